//! What the server does wrong when it is told to, so that clients can show that they notice.

use std::fmt;
use std::str::FromStr;

/// A deliberate fault. It shows in each reply to a request for a page; `never-answers` in every reply of both protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Announces a whole page, sends half of it and closes.
    CutPage,
    /// Announces and sends too few bytes, and closes.
    ShortPage,
    /// Announces and sends more bytes than a page has.
    LongPage,
    /// Answers with the next page (of the last one: the first) instead of the one that was asked for, and says so.
    WrongPage,
    /// As that, and says that it is the one that was asked for: no client can tell.
    MislabelledPage,
    /// Reads and never answers.
    NeverAnswers,
}

/// A name that no fault has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no fault {name:?}; there are {}", Fault::ALL.map(Fault::name).join(", "))]
pub struct UnknownFault {
    /// The name.
    pub name: String,
}

impl Fault {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::CutPage,
        Self::ShortPage,
        Self::LongPage,
        Self::WrongPage,
        Self::MislabelledPage,
        Self::NeverAnswers,
    ];

    /// As options and scenarios have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CutPage => "cut-page",
            Self::ShortPage => "short-page",
            Self::LongPage => "long-page",
            Self::WrongPage => "wrong-page",
            Self::MislabelledPage => "mislabelled-page",
            Self::NeverAnswers => "never-answers",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        let found = Self::ALL.into_iter().find(|fault| fault.name() == name);
        found.ok_or_else(|| UnknownFault {
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_its_name_and_others_are_told_which_there_are() {
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse(), Ok(fault));
        }
        let error = "late".parse::<Fault>().unwrap_err();
        assert!(error.to_string().contains("cut-page"), "{error}");
    }
}
