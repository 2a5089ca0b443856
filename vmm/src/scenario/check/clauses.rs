//! What steps say that they show.

use std::collections::HashMap;

use super::{CheckError, Findings};
use crate::scenario::language::Scenario;
use crate::scenario::parse::{CLAUSE, STEPS};
use crate::scenario::path::Path;

/// A clause stands at a step once, and says the same at every step.
pub(super) fn check(scenario: &Scenario, findings: &mut Findings) {
    let mut first_said = HashMap::new();
    for (step, clauses) in scenario.step_clauses.iter().enumerate() {
        let path = Path::default().key(STEPS).index(step).key(CLAUSE);
        for (index, clause) in clauses.iter().enumerate() {
            let path = match clauses.len() {
                1 => path.clone(),
                _ => path.index(index),
            };
            let (first_step, text) = *first_said.entry(&clause.id).or_insert((step, &clause.text));
            let error = if *text != clause.text {
                CheckError::ClauseSaysOther {
                    id: clause.id.to_string(),
                    step: first_step,
                    text: text.clone(),
                }
            } else if clauses[..index].contains(clause) {
                CheckError::ListedTwice {
                    found: clause.id.to_string(),
                }
            } else {
                continue;
            };
            findings.add(path, error);
        }
    }
}
