//! Clauses by family and number, each with the steps that show it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::problem::{ClauseProblem, Place, UnknownFamily};
use crate::scenario::Scenario;

/// The clauses that some scenarios show.
///
/// **Invariant:** each says one thing, and the numbers of a family start at 1 and leave none out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    pub(super) families: BTreeMap<String, Family>,
}

/// Clauses by number.
pub(super) type Family = BTreeMap<u16, Entry>;

/// One clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) text: String,
    /// Where it stands first.
    place: Place,
    /// At least one.
    pub(super) shown: Vec<Showing>,
}

/// The steps of a scenario that show a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Showing {
    pub(super) file: PathBuf,
    pub(super) scenario: String,
    /// In words, without repetition.
    pub(super) steps: Vec<String>,
}

impl Catalogue {
    /// The clauses of scenarios, each of which comes with its file.
    ///
    /// # Errors
    ///
    /// Every contradiction between two places, and every number that a family leaves out.
    pub fn of<'a>(
        scenarios: impl IntoIterator<Item = (&'a Path, &'a Scenario)>,
    ) -> Result<Self, Vec<ClauseProblem>> {
        let mut catalogue = Self::default();
        let mut problems = Vec::new();
        for (file, scenario) in scenarios {
            catalogue.add(file, scenario, &mut problems);
        }
        problems.extend(catalogue.gaps());
        if problems.is_empty() {
            Ok(catalogue)
        } else {
            Err(problems)
        }
    }

    /// Whether no scenario shows a clause.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.families.is_empty()
    }

    /// The clauses of these families alone.
    ///
    /// # Errors
    ///
    /// One of them has no clause.
    pub fn only(mut self, families: &[String]) -> Result<Self, UnknownFamily> {
        if let Some(found) = families.iter().find(|name| !self.families.contains_key(*name)) {
            return Err(UnknownFamily {
                found: found.clone(),
                known: self.families.into_keys().collect(),
            });
        }
        self.families.retain(|name, _| families.contains(name));
        Ok(self)
    }

    fn add(&mut self, file: &Path, scenario: &Scenario, problems: &mut Vec<ClauseProblem>) {
        let lines = scenario.step_lines.iter().copied();
        let steps = scenario.steps.iter().zip(lines).zip(&scenario.step_clauses);
        for ((step, line), clauses) in steps {
            for clause in clauses {
                let place = Place {
                    file: file.to_owned(),
                    line,
                };
                let family = self.families.entry(clause.id.family.clone()).or_default();
                let entry = family.entry(clause.id.number).or_insert_with(|| Entry {
                    text: clause.text.clone(),
                    place: place.clone(),
                    shown: Vec::new(),
                });
                if entry.text == clause.text {
                    entry.show(file, scenario, step.to_string());
                } else {
                    problems.push(ClauseProblem::Contradiction {
                        id: clause.id.clone(),
                        first: entry.place.clone(),
                        first_text: entry.text.clone(),
                        second: place,
                        second_text: clause.text.clone(),
                    });
                }
            }
        }
    }

    fn gaps(&self) -> impl Iterator<Item = ClauseProblem> + '_ {
        self.families.iter().flat_map(|(name, family)| {
            let before = std::iter::once(0).chain(family.keys().copied());
            let gaps = before
                .zip(family.keys())
                .filter(|(before, number)| before + 1 < **number);
            gaps.map(|(before, number)| ClauseProblem::Gap {
                family: name.clone(),
                first: before + 1,
                last: number - 1,
            })
        })
    }
}

impl Entry {
    fn show(&mut self, file: &Path, scenario: &Scenario, step: String) {
        match self.shown.last_mut() {
            Some(showing) if showing.file == file => {
                if !showing.steps.contains(&step) {
                    showing.steps.push(step);
                }
            }
            _ => self.shown.push(Showing {
                file: file.to_owned(),
                scenario: scenario.name.to_string(),
                steps: vec![step],
            }),
        }
    }
}
