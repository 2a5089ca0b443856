//! Why a value of the document does not fit its type.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::scenario::path::{Part, Path};
use crate::scenario::suggest;

/// A value that does not fit its type, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DecodeError {
    pub(super) mismatch: Mismatch,
    place: Option<(Path, Part)>,
}

/// Why a value does not fit its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mismatch {
    #[error("unknown key `{found}`")]
    UnknownKey { found: String, known: Vec<&'static str> },
    #[error("unknown {noun} `{found}`")]
    UnknownName {
        noun: String,
        found: String,
        known: Vec<&'static str>,
    },
    #[error("the key `{key}` is missing")]
    MissingKey { key: &'static str },
    #[error("expected {expected}, found {found}")]
    Type { expected: String, found: String },
    #[error("expected an object with exactly one key, found {found} keys")]
    KeyCount { found: usize, known: Vec<&'static str> },
    #[error("`{operation}` cannot have `{key}`")]
    Outcome { operation: String, key: &'static str },
    #[error("expected a step, found an object that has none of `do`, `check`, `tick` and `fail`")]
    NoStep { near: Option<String> },
    #[error(
        "a step is one of an operation, a check, ticks and a failure of the disk, and this has both `{first}` and `{second}`"
    )]
    TwoSteps {
        first: &'static str,
        second: &'static str,
    },
    #[error("{0}")]
    Value(String),
}

impl Mismatch {
    pub(super) fn at(self, path: &Path, part: Part) -> DecodeError {
        DecodeError {
            mismatch: self,
            place: Some((path.clone(), part)),
        }
    }

    pub(super) fn help(&self) -> Option<String> {
        match self {
            Self::UnknownKey { found, known } => Some(suggest::instead_of(found, "keys", known)),
            Self::UnknownName { noun, found, known } => {
                Some(suggest::instead_of(found, &format!("{noun}s"), known))
            }
            Self::KeyCount { known, .. } => Some(format!(
                "write one object for each expectation, with one of these keys: {}",
                known.join(", ")
            )),
            Self::Outcome { key: "errno", .. } => {
                Some("only a system call that may fail returns an error number".into())
            }
            Self::Outcome { key: "fault", .. } => {
                Some("only `read`, `write` and `touch_stack` access memory".into())
            }
            Self::Outcome { key: "blocks", .. } => {
                Some("only `wait`, `sleep` and `spin` take their time".into())
            }
            Self::NoStep { near } => Some(match near {
                Some(help) => help.clone(),
                None => {
                    "an operation has `in` and `do`, a check has `check` and `expect`, a pause has `tick`"
                        .into()
                }
            }),
            Self::TwoSteps { .. } => Some("write two steps, one after the other".into()),
            Self::Outcome { .. } | Self::MissingKey { .. } | Self::Type { .. } | Self::Value(_) => None,
        }
    }
}

impl DecodeError {
    /// Places the error, unless something further in has done so already.
    pub(super) fn or_at(mut self, path: &Path, part: Part) -> Self {
        self.place.get_or_insert_with(|| (path.clone(), part));
        self
    }

    /// Names what the unknown name should have been the name of.
    pub(super) fn naming(mut self, type_name: &str) -> Self {
        if let (None, Mismatch::UnknownName { noun, .. }) = (&self.place, &mut self.mismatch) {
            *noun = type_name.to_lowercase();
        }
        self
    }

    /// Adds keys to those that an unknown key at `object` might have meant.
    pub(super) fn also_known(mut self, object: &Path, more: &[&'static str]) -> Self {
        if let (Some((path, _)), Mismatch::UnknownKey { found, known }) = (&self.place, &mut self.mismatch)
            && *path == object.key(found)
        {
            known.extend(more);
        }
        self
    }

    pub(super) fn place(&self) -> (Path, Part) {
        self.place.clone().unwrap_or((Path::default(), Part::Value))
    }
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Mismatch::Value(message.to_string()).into()
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Mismatch::Type {
            expected: expectation(&expected.to_string()),
            found: finding(&found),
        }
        .into()
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Mismatch::UnknownKey {
            found: field.to_owned(),
            known: known.to_vec(),
        }
        .into()
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Mismatch::UnknownName {
            noun: "name".into(),
            found: variant.to_owned(),
            known: known.to_vec(),
        }
        .into()
    }

    fn missing_field(key: &'static str) -> Self {
        Mismatch::MissingKey { key }.into()
    }
}

impl From<Mismatch> for DecodeError {
    fn from(mismatch: Mismatch) -> Self {
        Self {
            mismatch,
            place: None,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mismatch.fmt(formatter)
    }
}

impl std::error::Error for DecodeError {}

/// serde names Rust types; a scenario's author knows JSON.
fn expectation(serde_words: &str) -> String {
    let words = match serde_words {
        "u8" => "a whole number from 0 to 255",
        "u64" => "a whole number of 0 or more",
        "i64" => "a whole number",
        "a boolean" => "`true` or `false`",
        sequence if sequence.starts_with("a sequence") => "an array",
        structure if structure.starts_with("struct") || structure.starts_with("a map") => "an object",
        other => other,
    };
    words.to_owned()
}

fn finding(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        Unexpected::Str(text) => format!("the string {text:?}"),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        Unexpected::Unit => "`null`".to_owned(),
        Unexpected::Char(_)
        | Unexpected::Bytes(_)
        | Unexpected::Option
        | Unexpected::NewtypeStruct
        | Unexpected::Enum
        | Unexpected::UnitVariant
        | Unexpected::NewtypeVariant
        | Unexpected::TupleVariant
        | Unexpected::StructVariant
        | Unexpected::Other(_) => found.to_string(),
    }
}
