//! What has changed between two checks.

use schemars::JsonSchema;
use serde::Deserialize;

use super::address::ProcessAddress;

/// Pages that are otherwise than at the last check step.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageDiff {
    /// The first of them: where a page begins.
    pub at: ProcessAddress,
    /// How many.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub pages: u64,
    /// What of each is otherwise, and nothing else.
    #[schemars(length(min = 1))]
    pub is: Vec<PageChange>,
}

fn one() -> u64 {
    1
}

/// What can be otherwise of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename = "Change", rename_all = "lowercase")]
pub enum PageChange {
    /// It is mapped, and was not.
    Mapped,
    /// It is not mapped, and was.
    Unmapped,
    /// It is on another frame.
    Frame,
    /// The process may do other things with it.
    Rights,
    /// It holds other bytes.
    Contents,
}

impl PageChange {
    /// Whether it leaves nothing to compare.
    #[must_use]
    pub fn is_alone(self) -> bool {
        matches!(self, PageChange::Mapped | PageChange::Unmapped)
    }
}
