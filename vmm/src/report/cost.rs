//! What a run took of the host.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// Exits of the guest to the VMM.
    pub exits: u64,
    /// Microseconds from the making of the machine to its end.
    pub wall_microseconds: u64,
    /// Microseconds from the guest's first instruction to the first one of its first program.
    pub boot_microseconds: Option<u64>,
    /// Exits of the guest to the VMM in that time.
    pub boot_exits: Option<u64>,
    /// The steps in which a process did something, without what the judge did after them.
    #[serde(default)]
    pub steps: Spent,
    /// The audits, in which the judge looks at everything after a step.
    #[serde(default)]
    pub audits: Spent,
}

/// What all parts of one kind took of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spent {
    /// How many there were.
    pub count: usize,
    /// Microseconds that one of them took: half of them took no longer. None when there was none.
    pub median_microseconds: Option<u64>,
    /// Microseconds that all of them took.
    pub total_microseconds: u64,
}
