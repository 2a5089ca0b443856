//! How operations and processes end.

use std::borrow::Cow;

use abi::linux::{errno::errno_name, process::signal_name};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// Past the largest number of an error or a signal that has a name in `abi`.
const NUMBERS_END: u16 = 256;

/// What an operation's result should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The call returns no error; a memory access completes.
    Success,
    /// The call fails with this error.
    Errno(Errno),
    /// The memory access ends the process with this signal.
    Fault(Signal),
}

/// When an operation's result is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// Before the next step.
    AtOnce,
    /// When a later `finish` step collects it: the call has to wait.
    Later,
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It exits with this status, 0 to 255.
    Exit(u8),
    /// This signal ends it.
    Signal(Signal),
}

/// A name that Linux does not have, or that Ringside does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutcomeError {
    /// No such error.
    #[error("unknown errno `{found}`")]
    Errno {
        /// The text as it stands in the document.
        found: String,
    },
    /// No such signal.
    #[error("unknown signal `{found}`")]
    Signal {
        /// The text as it stands in the document.
        found: String,
    },
}

/// An error number by its Linux name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Errno(i32);

impl Errno {
    /// The positive number; a failed call returns its negation.
    #[must_use]
    pub fn number(self) -> i32 {
        self.0
    }

    /// Linux's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        errno_name(self.0).expect("an Errno is made from a name")
    }

    /// Every name there is, by number.
    pub fn names() -> impl Iterator<Item = &'static str> {
        (0..NUMBERS_END).filter_map(|number| errno_name(number.into()))
    }
}

impl TryFrom<String> for Errno {
    type Error = OutcomeError;

    fn try_from(found: String) -> Result<Self, OutcomeError> {
        let number = (0..NUMBERS_END)
            .map(i32::from)
            .find(|number| errno_name(*number) == Some(&found));
        number.map(Self).ok_or(OutcomeError::Errno { found })
    }
}

impl JsonSchema for Errno {
    fn schema_name() -> Cow<'static, str> {
        "Errno".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An error number by its Linux name.",
            "type": "string",
            "enum": Self::names().collect::<Vec<_>>(),
        })
    }
}

/// A signal by its Linux name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Signal(u32);

impl Signal {
    /// Linux's number for it, as in a wait status.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    /// Linux's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        signal_name(self.0).expect("a Signal is made from a name")
    }

    /// Every name there is, by number.
    pub fn names() -> impl Iterator<Item = &'static str> {
        (0..NUMBERS_END).filter_map(|number| signal_name(number.into()))
    }
}

impl TryFrom<String> for Signal {
    type Error = OutcomeError;

    fn try_from(found: String) -> Result<Self, OutcomeError> {
        let number = (0..NUMBERS_END)
            .map(u32::from)
            .find(|number| signal_name(*number) == Some(&found));
        number.map(Self).ok_or(OutcomeError::Signal { found })
    }
}

impl JsonSchema for Signal {
    fn schema_name() -> Cow<'static, str> {
        "Signal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A signal by its Linux name.",
            "type": "string",
            "enum": Self::names().collect::<Vec<_>>(),
        })
    }
}
