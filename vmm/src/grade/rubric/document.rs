//! A rubric as it is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::{Kind, Partial};
use crate::grade::{Points, Visibility};

/// The file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// What the assignment is called.
    pub(super) title: String,
    /// What a submission is.
    pub(super) kind: Kind,
    /// Points of all scenarios together.
    #[schemars(with = "Points")]
    pub(super) total: Spanned<Points>,
    /// Source files that are taken of a submission, as their places in the workspace; a folder ends with a slash. Everything else that is
    /// submitted is left, and told.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) take: Vec<Spanned<String>>,
    /// Words for the kernel's command line.
    #[serde(default)]
    pub(super) options: Vec<String>,
    /// Reports without which a scenario is not judged, though the guest does not promise them: names of reports, or `all`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) require: Vec<Spanned<String>>,
    /// Seeds by which the contents of scenarios are drawn. Each scenario runs once for each, and the worst run counts. Without one it runs
    /// once, with the contents of its file.
    #[serde(default)]
    pub(super) vary: Vec<u64>,
    /// What building and running a submission may use.
    #[serde(default)]
    pub(super) limits: DocumentLimits,
    /// Functions that the starter for students leaves out.
    #[serde(rename = "left-out", default)]
    pub(super) left_out: Vec<DocumentLeftOut>,
    /// The scenarios.
    #[serde(rename = "scenario", default)]
    pub(super) scenarios: Vec<DocumentItem>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentItem {
    /// The scenario's file, relative to the folder of the rubric.
    #[schemars(with = "PathBuf")]
    pub(super) file: Spanned<PathBuf>,
    /// Points for passing it. Either all scenarios have points, or all have a weight.
    #[schemars(with = "Option<Points>")]
    pub(super) points: Option<Spanned<Points>>,
    /// Its part of the total, beside the weights of the other scenarios.
    #[schemars(with = "Option<u32>")]
    pub(super) weight: Option<Spanned<u32>>,
    /// What one gets that does not pass.
    #[serde(default)]
    #[schemars(with = "Partial")]
    pub(super) partial: Option<Spanned<Partial>>,
    /// How much a check counts, by its title, or a clause, by its identifier, when a part of the points is given. The others count 1.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, u32>")]
    pub(super) weights: BTreeMap<String, Spanned<u32>>,
    /// Who may see its result.
    #[serde(default)]
    pub(super) visibility: Visibility,
    /// Clauses that it must show, such as `COW-2`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) clauses: Vec<Spanned<String>>,
    /// Seeds for this scenario, in the place of those of the rubric.
    pub(super) vary: Option<Vec<u64>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentLimits {
    /// Seconds that building a submission may take, from 1 to 86400; 600 without it.
    #[schemars(with = "Option<u64>")]
    pub(super) build_seconds: Option<Spanned<u64>>,
    /// Memory of each process of a build in MiB, from 64 to 1048576; 4096 without it.
    #[schemars(with = "Option<u64>")]
    pub(super) build_memory_mib: Option<Spanned<u64>>,
    /// Most seconds of processor time of each run, from 1 to 600. A scenario's own budget holds where it is smaller.
    #[schemars(with = "Option<u64>")]
    pub(super) run_seconds: Option<Spanned<u64>>,
    /// Most exits of the guest to the VMM in each run, from 1 to 100000000. A scenario's own budget holds where it is smaller.
    #[schemars(with = "Option<u64>")]
    pub(super) run_exits: Option<Spanned<u64>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentLeftOut {
    /// A Rust file that is taken.
    #[schemars(with = "String")]
    pub(super) file: Spanned<String>,
    /// The function, with the type before it when it is a method: `AddressSpace::make_writable`.
    pub(super) function: String,
    /// What it consists of in the starter, as Rust.
    #[schemars(with = "String")]
    pub(super) body: Spanned<String>,
}
