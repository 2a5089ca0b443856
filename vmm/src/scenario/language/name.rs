//! Names that a scenario gives to things.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// Longest name, in bytes: names stand in tables of reports.
const MAX_NAME_BYTES: usize = 40;

/// A text that is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not a name: expected 1 to {MAX_NAME_BYTES} lower-case letters, digits and hyphens, a letter first and no \
     hyphen last"
)]
pub struct NameError {
    /// The text as it stands in the document.
    pub found: String,
}

fn kebab_case(text: String) -> Result<String, NameError> {
    let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase());
    let made_well = text
        .chars()
        .all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || each == '-');
    if starts_well && made_well && !text.ends_with('-') && text.len() <= MAX_NAME_BYTES {
        Ok(text)
    } else {
        Err(NameError { found: text })
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
        #[serde(try_from = "String")]
        #[schemars(with = "String", extend("pattern" = "^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"))]
        pub struct $name(String);

        impl $name {
            /// The name as it stands in the document.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                kebab_case(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

name_type! {
    /// Name of a scenario: lower-case letters, digits and hyphens.
    ScenarioName
}
name_type! {
    /// Name of a process: lower-case letters, digits and hyphens.
    ProcessName
}
name_type! {
    /// Name of a region of a process's memory: lower-case letters, digits and hyphens.
    RegionName
}

name_type! {
    /// What a scenario calls a function of the kernel: lower-case letters, digits and hyphens.
    FunctionName
}

name_type! {
    /// Name of what is recorded of a step: lower-case letters, digits and hyphens.
    TraceName
}

impl RegionName {
    /// The region that every process has without asking: what `brk` made of its heap.
    #[must_use]
    pub fn heap() -> Self {
        Self("heap".to_owned())
    }
}

impl ProcessName {
    /// The guest's first program, which the harness brings along: it forks the scenario's first process, and orphans become
    /// its children.
    #[must_use]
    pub fn init() -> Self {
        Self("init".to_owned())
    }

    /// Whether it is [`ProcessName::init`].
    #[must_use]
    pub fn is_init(&self) -> bool {
        *self == Self::init()
    }
}
