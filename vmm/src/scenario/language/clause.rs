//! Sentences of a specification that steps show.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// Most digits of a clause's number.
const MAX_DIGITS: usize = 4;

/// A text that is no clause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClauseError {
    /// It does not start with an identifier.
    #[error(
        "`{found}` identifies no clause: expected capital letters and digits, a hyphen and a number from 1 to 9999, as in \
         `OPEN-7`"
    )]
    Identifier {
        /// The text up to its first space.
        found: String,
    },
    /// What follows the identifier is no sentence.
    #[error("`{id}` says nothing: expected one space and one line of text after it")]
    Text {
        /// The identifier.
        id: ClauseId,
    },
}

/// A sentence of a specification that can be tested: an identifier, a space, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = r"^[A-Z][A-Z0-9]*-[1-9][0-9]{0,3} \S(.*\S)?$", "examples" = ["OPEN-7 a range above the maximum is cut, its start unchanged"]))]
pub struct Clause {
    /// What it is called.
    pub id: ClauseId,
    /// What it says.
    pub text: String,
}

/// What a clause is called, as in `OPEN-7`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClauseId {
    /// What the clause is about: capital letters and digits, a letter first.
    pub family: String,
    /// Its place among the clauses of the family, from 1.
    pub number: u16,
}

impl FromStr for Clause {
    type Err = ClauseError;

    fn from_str(text: &str) -> Result<Self, ClauseError> {
        let (id, text) = text.split_once(' ').unwrap_or((text, ""));
        let id: ClauseId = id.parse()?;
        if text.is_empty() || text.trim() != text || text.contains(char::is_control) {
            return Err(ClauseError::Text { id });
        }
        Ok(Self {
            id,
            text: text.to_owned(),
        })
    }
}

impl TryFrom<String> for Clause {
    type Error = ClauseError;

    fn try_from(text: String) -> Result<Self, ClauseError> {
        text.parse()
    }
}

impl FromStr for ClauseId {
    type Err = ClauseError;

    fn from_str(text: &str) -> Result<Self, ClauseError> {
        let refused = || ClauseError::Identifier {
            found: text.to_owned(),
        };
        let (family, digits) = text.split_once('-').ok_or_else(refused)?;
        let starts_well = family.starts_with(|first: char| first.is_ascii_uppercase());
        let made_well = family
            .chars()
            .all(|each| each.is_ascii_uppercase() || each.is_ascii_digit());
        let is_number = digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.starts_with('0');
        if !(starts_well && made_well && is_number && digits.len() <= MAX_DIGITS) {
            return Err(refused());
        }
        Ok(Self {
            family: family.to_owned(),
            number: digits.parse().map_err(|_| refused())?,
        })
    }
}

/// Clauses as reports have them, an object with `id` and `text` each, where scenarios have one text.
pub(crate) mod reported_clauses {
    use schemars::JsonSchema;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::Clause;

    /// A sentence of a specification.
    #[derive(Deserialize, JsonSchema)]
    #[schemars(rename = "Clause")]
    pub(crate) struct Reported {
        /// What it is called, as in `OPEN-7`.
        id: String,
        /// What it says.
        text: String,
    }

    impl Reported {
        fn clause<E: de::Error>(&self) -> Result<Clause, E> {
            format!("{} {}", self.id, self.text).parse().map_err(E::custom)
        }
    }

    pub(crate) fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Clause, D::Error> {
        Reported::deserialize(deserializer)?.clause()
    }

    pub(crate) fn serialize<S: Serializer>(clauses: &[Clause], serializer: S) -> Result<S::Ok, S::Error> {
        clauses.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Clause>, D::Error> {
        let reported = Vec::<Reported>::deserialize(deserializer)?;
        reported.iter().map(Reported::clause).collect()
    }
}

impl Serialize for ClauseId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for ClauseId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.family, self.number)
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.id, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_is_an_identifier_and_what_it_says() {
        let clause: Clause = "OPEN2-17 a range is cut".parse().unwrap();
        assert_eq!((clause.id.family.as_str(), clause.id.number), ("OPEN2", 17));
        assert_eq!(clause.text, "a range is cut");
        assert_eq!(clause.to_string(), "OPEN2-17 a range is cut");
    }

    #[test]
    fn an_identifier_has_a_family_and_a_number_from_1() {
        for found in [
            "",
            "open-1",
            "OPEN",
            "OPEN1",
            "2OPEN-1",
            "-1",
            "OPEN-",
            "OPEN-0",
            "OPEN-01",
            "OPEN-10000",
            "OPEN-+1",
            "OPEN-1-2",
            "OPEN_A-1",
            "OPEN-1:",
        ] {
            let refused = ClauseError::Identifier {
                found: found.to_owned(),
            };
            assert_eq!(format!("{found} says").parse::<Clause>(), Err(refused));
        }
    }

    #[test]
    fn a_clause_says_something_on_one_line() {
        for text in [
            "OPEN-1",
            "OPEN-1 ",
            "OPEN-1  two spaces",
            "OPEN-1 end ",
            "OPEN-1 a\nb",
        ] {
            let id = "OPEN-1".parse().unwrap();
            assert_eq!(text.parse::<Clause>(), Err(ClauseError::Text { id }), "{text:?}");
        }
    }
}
