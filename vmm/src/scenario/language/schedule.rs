//! Who goes on at the kernel's reschedule points.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::rule::Rule;

/// Who goes on where the kernel could let another thread of the same process run first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// For each reschedule point in turn the thread that goes on, by its place among those that could: 0 is the one that runs,
    /// and counts for all points past the end of the list.
    Choices(Vec<usize>),
    /// Run the scenario once for every schedule up to a bound, those with the fewest choices first.
    Explore(Exploration),
}

/// Which schedules to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exploration {
    /// Another thread than the one that runs goes on at one of the first so many points only.
    #[schemars(range(min = 1, max = Exploration::MAX_POINTS))]
    pub points: u64,
    /// The rule that some schedule must break: then the scenario passes. Without it no schedule may break any.
    #[serde(default)]
    #[schemars(with = "Rule")]
    pub finds: Option<Rule>,
}

impl Exploration {
    /// Most points that a scenario may ask for: the number of schedules grows with the power of it.
    pub const MAX_POINTS: u64 = 64;
}
