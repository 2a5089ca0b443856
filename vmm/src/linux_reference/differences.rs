//! Answers of a guest beside those of this Linux, and which of them may differ.
//!
//! What may differ is in a file, with the reason ([`Differences`]). A difference that is not listed is something wrong, and so is an
//! entry that nothing matches any more.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::replay::{StepClaims, replayed_steps};
use crate::perform::Claim;
use crate::report::Report;
use crate::scenario::Scenario;

/// A list of differences cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DifferencesError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is no list of differences.
    #[error("{} is no list of differences", path.display())]
    NoList {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: Box<toml::de::Error>,
    },
}

/// What may differ: a TOML file of `[[difference]]` entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Differences {
    difference: Vec<Difference>,
}

/// One answer that the two kernels give differently.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Path of the scenario below the folder of the list, without extension.
    pub scenario: String,
    /// Number of the step, from 1.
    pub step: usize,
    /// What the guest answers, in words.
    pub guest: String,
    /// What Linux answers, in words.
    pub linux: String,
    /// Why both are right.
    pub reason: String,
}

/// Answers of two kernels to the operations of one scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The steps that both performed, and those that one of them did, in order.
    pub steps: Vec<ComparedStep>,
    /// What is listed, and does not occur.
    pub stale: Vec<Difference>,
}

/// What two kernels answered in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedStep {
    /// Number of the step, from 1.
    pub step: usize,
    /// Their answers, in pairs.
    pub answers: Vec<Answers>,
}

/// The answer of each kernel; None of one that gave none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// The guest's.
    pub guest: Option<Claim>,
    /// Linux's.
    pub linux: Option<Claim>,
    /// Why they may differ, where they do and a list says so.
    pub reason: Option<String>,
}

/// Stands for an answer that one side gave and the other did not.
const NO_ANSWER: &str = "nothing";

impl Differences {
    /// The list in a file.
    ///
    /// # Errors
    /// It cannot be read, or is no such list.
    pub fn read(path: &Path) -> Result<Differences, DifferencesError> {
        let text = std::fs::read_to_string(path).map_err(|source| DifferencesError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| DifferencesError::NoList {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// All that is listed.
    pub fn iter(&self) -> impl Iterator<Item = &Difference> {
        self.difference.iter()
    }

    /// Holds the answers to a scenario against each other, and the differences against those that are listed for `scenario`.
    #[must_use]
    pub fn compare(&self, scenario: &str, guest: &[StepClaims], linux: &[StepClaims]) -> Comparison {
        let mut listed: Vec<Difference> = self
            .iter()
            .filter(|difference| difference.scenario == scenario)
            .cloned()
            .collect();
        let mut steps = paired(guest, linux);
        for step in &mut steps {
            for answers in step.answers.iter_mut().filter(|answers| !answers.are_the_same()) {
                let words = answers.in_words();
                let known = listed.iter().position(|known| {
                    known.step == step.step && [&known.guest, &known.linux] == words.each_ref()
                });
                answers.reason = known.map(|index| listed.swap_remove(index).reason);
            }
        }
        Comparison { steps, stale: listed }
    }
}

impl Comparison {
    /// Whether the answers differ exactly where it is listed, and there are answers to every step.
    #[must_use]
    pub fn is_as_listed(&self) -> bool {
        self.stale.is_empty() && self.steps.iter().all(ComparedStep::is_as_listed)
    }
}

impl ComparedStep {
    /// Whether there are answers, and each is the same.
    #[must_use]
    pub fn is_the_same(&self) -> bool {
        !self.answers.is_empty() && self.answers.iter().all(Answers::are_the_same)
    }

    /// Whether there are answers, and each is the same or may differ.
    #[must_use]
    pub fn is_as_listed(&self) -> bool {
        !self.answers.is_empty() && self.answers.iter().all(Answers::are_as_listed)
    }
}

impl Answers {
    /// Whether both kernels gave this answer. What was left out is like nothing.
    #[must_use]
    pub fn are_the_same(&self) -> bool {
        self.guest == self.linux && self.guest != Some(Claim::LeftOut)
    }

    /// Whether they are the same or may differ.
    #[must_use]
    pub fn are_as_listed(&self) -> bool {
        self.are_the_same() || self.reason.is_some()
    }

    /// The guest's answer and Linux's.
    #[must_use]
    pub fn in_words(&self) -> [String; 2] {
        let words = |claim: &Option<Claim>, other: &Option<Claim>| match (claim, other) {
            (None, _) => NO_ANSWER.to_owned(),
            (Some(claim), None) => claim.to_string(),
            (Some(claim), Some(other)) => claim.beside(other),
        };
        [words(&self.guest, &self.linux), words(&self.linux, &self.guest)]
    }
}

/// What is not as it is listed, a paragraph each.
impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ComparedStep { step, answers } in &self.steps {
            if answers.is_empty() {
                writeln!(formatter, "step {step} gave nothing to compare")?;
            }
            for answers in answers.iter().filter(|answers| !answers.are_as_listed()) {
                let [guest, linux] = answers.in_words();
                writeln!(
                    formatter,
                    "step {step} differs\n  guest  {guest}\n  linux  {linux}"
                )?;
            }
        }
        for listed in &self.stale {
            writeln!(formatter, "listed, but does not occur: {listed:?}")?;
        }
        Ok(())
    }
}

/// What a guest answered, of those steps that this Linux performs too. The report is one that says what was answered.
#[must_use]
pub fn answered(report: &Report, scenario: &Scenario) -> Vec<StepClaims> {
    let replayed = replayed_steps(scenario);
    let lines = report.lines.iter().filter(|line| !line.claims.is_empty());
    lines
        .filter_map(|line| {
            Some(StepClaims {
                step: line.step.filter(|step| replayed.contains(step))?,
                claims: line.claims.clone(),
            })
        })
        .collect()
}

/// The answers of each step beside each other. Both kernels perform steps in order, so the first that one lacks is missing at its end.
fn paired(guest: &[StepClaims], linux: &[StepClaims]) -> Vec<ComparedStep> {
    let steps = (0..guest.len().max(linux.len())).map(|index| (guest.get(index), linux.get(index)));
    steps
        .map(|(guest, linux)| {
            let claims = |step: Option<&StepClaims>, index: usize| {
                step.and_then(|step| step.claims.get(index).cloned())
            };
            let count = |step: Option<&StepClaims>| step.map_or(0, |step| step.claims.len());
            ComparedStep {
                step: guest.or(linux).map_or(0, |step| step.step),
                answers: (0..count(guest).max(count(linux)))
                    .map(|index| Answers {
                        guest: claims(guest, index),
                        linux: claims(linux, index),
                        reason: None,
                    })
                    .collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: usize, claims: &[Claim]) -> StepClaims {
        StepClaims {
            step: number,
            claims: claims.to_vec(),
        }
    }

    fn listed(steps: &[usize]) -> Differences {
        let entry = |step: &usize| Difference {
            scenario: "s".to_owned(),
            step: *step,
            guest: "refused with ENOMEM".to_owned(),
            linux: "returned 0".to_owned(),
            reason: "a test".to_owned(),
        };
        Differences {
            difference: steps.iter().map(entry).collect(),
        }
    }

    /// That the comparison can fail.
    #[test]
    fn what_differs_is_found_and_so_is_what_is_listed_and_does_not() {
        let guest = [step(1, &[Claim::Done]), step(3, &[Claim::Refused(12)])];
        let other = [step(1, &[Claim::Done]), step(3, &[Claim::Returned(0)])];
        let is_as_listed = |list: &[usize], scenario, guest: &[StepClaims], linux: &[StepClaims]| {
            listed(list).compare(scenario, guest, linux).is_as_listed()
        };
        assert!(is_as_listed(&[], "s", &guest, &guest), "equal");
        assert!(is_as_listed(&[3], "s", &guest, &other), "listed");
        assert!(!is_as_listed(&[], "s", &guest, &other), "unlisted");
        assert!(
            !is_as_listed(&[1], "s", &guest, &other),
            "listed for another step"
        );
        assert!(
            !is_as_listed(&[3], "t", &guest, &other),
            "listed for another scenario"
        );
        assert!(!is_as_listed(&[3], "s", &guest, &guest), "stale");
        assert!(!is_as_listed(&[3, 3], "s", &guest, &other), "listed twice");
        assert!(
            !is_as_listed(&[], "s", &[step(1, &[])], &[step(1, &[])]),
            "no claims"
        );
        assert!(
            !is_as_listed(&[], "s", &guest, &guest[..1]),
            "a step too few on Linux"
        );
        assert!(
            !is_as_listed(&[], "s", &guest[..1], &guest),
            "a step too few on the guest"
        );
        let left_out = [step(1, &[Claim::LeftOut])];
        assert!(!is_as_listed(&[], "s", &left_out, &left_out), "left out");
    }

    #[test]
    fn every_shipped_difference_has_a_reason() {
        let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/linux-differences.toml");
        for difference in Differences::read(&list).unwrap().iter() {
            assert!(!difference.reason.is_empty(), "{difference:?}");
        }
    }
}
