//! Where a scenario came from, and how its run is made again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::printable::Printable;
use crate::scenario::Scenario;

/// Where a scenario came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The scenario's file, as the call names it.
    pub file: Printable,
    /// The command that runs it again on the same guest, for a shell.
    pub command: Printable,
    /// The folder in which the command is called, in words, when it is another one than that of the call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub called_in: Option<Printable>,
    /// The scenario's file in the starter, when it was graded and students began with it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub in_starter: Option<Printable>,
    /// Line of the file on which each step begins, from 1.
    pub step_lines: Vec<usize>,
}

impl Origin {
    /// That of a scenario in this file, whose run a command of these words makes again.
    #[must_use]
    pub fn new(file: &str, words: &[String], scenario: &Scenario) -> Origin {
        // A word that no shell can be given is shown as it is.
        let quoted = words
            .iter()
            .map(|word| shlex::try_quote(word).unwrap_or(word.into()));
        Origin {
            file: file.into(),
            command: quoted.collect::<Vec<_>>().join(" ").into(),
            called_in: None,
            in_starter: None,
            step_lines: scenario.step_lines.clone(),
        }
    }

    /// What stands before the command.
    #[must_use]
    pub(super) fn how(&self) -> String {
        match &self.called_in {
            Some(folder) => format!("Run it again, in {folder}"),
            None => "Run it again".to_owned(),
        }
    }
}
