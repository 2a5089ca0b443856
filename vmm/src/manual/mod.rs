//! The scenario language as a document: every step, operation, expectation and option, with what its keys mean and with examples.
//!
//! What there is comes from the JSON Schema, and so from the types ([`shape`]). The examples are taken from scenarios that are run
//! ([`usage`]), and beside each stands what a report says of it. [`Manual::of`] refuses to be written while there is something of which no
//! scenario shows an example; [`Manual::markdown`] writes it down.

mod markdown;
mod shape;
mod usage;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::printable::Printable;
use crate::scenario::Scenario;
use shape::{Kind, Shapes};
use usage::{Example, Usages};

/// The scenario language, with examples.
#[derive(Debug)]
pub struct Manual {
    shapes: Shapes,
    /// Examples of each kind of object, by its place in the schema.
    examples: BTreeMap<String, Vec<Example>>,
}

/// A scenario to take examples from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its file.
    pub file: &'a PathBuf,
    /// Its text.
    pub text: &'a str,
    /// What the text means.
    pub scenario: &'a Scenario,
}

/// Something of the language of which no scenario has an example.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no scenario shows the key `{key}` of {kind}: add a step that has it to one, or give this command further scenarios"
)]
pub struct NotShown {
    kind: Printable,
    key: Printable,
}

impl Manual {
    /// The language, with examples from these scenarios.
    ///
    /// # Errors
    /// Everything of which there is no example.
    pub fn of(sources: &[Source<'_>]) -> Result<Manual, Vec<NotShown>> {
        let schema = crate::scenario::schema();
        let shapes = Shapes::of(&schema);
        let mut usages = Usages::new(&schema);
        for source in sources {
            let document: Value = serde_json::from_str(source.text).expect("the text is a scenario");
            usages.note(&document, source);
        }
        let mut examples = BTreeMap::new();
        let mut problems = Vec::new();
        for kind in shapes.kinds() {
            let (chosen, missing) = usages.examples(kind);
            problems.extend(missing.into_iter().map(|key| NotShown {
                kind: kind.name.as_str().into(),
                key: key.into(),
            }));
            examples.insert(kind.pointer.clone(), chosen);
        }
        if problems.is_empty() {
            Ok(Manual { shapes, examples })
        } else {
            Err(problems)
        }
    }

    fn examples(&self, kind: &Kind) -> &[Example] {
        self.examples.get(&kind.pointer).map_or(&[], Vec::as_slice)
    }
}
