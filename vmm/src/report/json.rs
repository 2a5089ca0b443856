//! JSON: one document with everything, at the end of the call. [`schema`](super::schema()) describes it.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::told::Told;
use super::{Report, Verdict};
use crate::grade::Grade;
use crate::printable;

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Version of the format: it grows when what was there before changes its meaning or goes away, and not when something is added.
    pub version: u32,
    /// What is to be thought of the whole.
    pub verdict: Verdict,
    /// Whether somebody ended the call before everything was done.
    pub interrupted: bool,
    /// The runs of a call of `run`, in the order of the call.
    pub reports: Vec<Report>,
    /// The submissions of a call of `grade`, in the order of the call.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub grades: Vec<Grade>,
}

impl Document {
    /// The version that is written.
    pub const VERSION: u32 = 1;
}

pub(super) fn render(told: &Told) -> io::Result<String> {
    let document = Document {
        version: Document::VERSION,
        verdict: told.verdict(),
        interrupted: told.interrupted,
        reports: told.reports.clone(),
        grades: told.grades.clone(),
    };
    let text = serde_json::to_string_pretty(&document)?;
    Ok(printable::json(&text) + "\n")
}
