//! Contents drawn at random: a scenario with other bytes in the same places.
//!
//! Whoever has a table of a scenario's answers knows nothing of another drawing. The bytes are drawn as a permutation, so what was equal
//! stays equal and what differed goes on to differ: letters and digits among themselves, the other control characters among
//! themselves, and so the bytes from 0x80 on. Zero, blanks and punctuation stay. So do places whose bytes are not the
//! scenario's: files, stacks, and shadow page tables.

use std::collections::BTreeSet;

use super::{
    Content, ContentAt, Expectation, Fill, Operation, OperationStep, RegionAddress, RegionName, Scenario,
    Step,
};
use crate::draws::splitmix64;

/// The steps of a scenario with drawn contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// What the contents were drawn by: the same seed gives the same ones.
    pub seed: u64,
    /// The steps, in the scenario's order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// From now on its steps are performed with contents that are drawn by `seed`.
    pub fn draw(&mut self, seed: u64) {
        let fixed = self.steps.iter().filter_map(region_of_others).cloned().collect();
        let drawing = Drawing {
            bytes: permutation(seed, self.steps.iter().all(is_ascii)),
            fixed,
        };
        let steps = self.steps.iter().cloned().map(|step| drawing.step(step));
        self.drawn = Some(Drawn {
            seed,
            steps: steps.collect(),
        });
    }

    /// The steps as they are performed; [`Scenario::steps`] are those that are told.
    #[must_use]
    pub fn performed(&self) -> &[Step] {
        self.drawn.as_ref().map_or(&self.steps, |drawn| &drawn.steps)
    }
}

struct Drawing {
    bytes: [u8; 256],
    /// Regions whose contents are not the scenario's.
    fixed: BTreeSet<RegionName>,
}

impl Drawing {
    fn step(&self, step: Step) -> Step {
        match step {
            Step::Operation(step) => Step::Operation(OperationStep {
                operation: self.operation(step.operation),
                ..step
            }),
            Step::Check(mut step) => {
                for expectation in &mut step.expect {
                    if let Expectation::Content(what) = expectation
                        && !self.fixed.contains(&what.at.place.region)
                    {
                        what.content = self.content(&what.content);
                    }
                }
                Step::Check(step)
            }
            step @ (Step::Tick(_) | Step::Fail(_)) => step,
        }
    }

    fn operation(&self, operation: Operation) -> Operation {
        match operation {
            Operation::Read(what) => Operation::Read(self.content_at(what)),
            Operation::Write(what) => Operation::Write(self.content_at(what)),
            other => other,
        }
    }

    fn content_at(&self, what: ContentAt<RegionAddress>) -> ContentAt<RegionAddress> {
        if self.fixed.contains(&what.at.region) {
            return what;
        }
        ContentAt {
            content: self.content(&what.content),
            ..what
        }
    }

    fn content(&self, content: &Content) -> Content {
        match content {
            Content::Text(text) => Content::Text(text.chars().map(|letter| self.letter(letter)).collect()),
            Content::Fill(Fill { byte, bytes }) => Content::Fill(Fill {
                byte: self.bytes[usize::from(*byte)],
                bytes: *bytes,
            }),
            Content::Zeros(bytes) => Content::Zeros(*bytes),
        }
    }

    fn letter(&self, letter: char) -> char {
        match u8::try_from(letter) {
            Ok(byte) if letter.is_ascii() => self.bytes[usize::from(byte)].into(),
            Ok(_) | Err(_) => letter,
        }
    }
}

/// The region that a step makes and whose contents somebody else decides.
fn region_of_others(step: &Step) -> Option<&RegionName> {
    let Step::Operation(step) = step else { return None };
    match &step.operation {
        Operation::Mmap {
            region,
            file: Some(_),
            ..
        }
        | Operation::TouchStack { region, .. }
        | Operation::StackRoom { region, .. } => Some(region),
        Operation::ShadowptOpen { entries, .. } => Some(&entries.region),
        _ => None,
    }
}

/// Whether the step's text, if it has one, has no bytes from 0x80 on.
fn is_ascii(step: &Step) -> bool {
    let text_is_ascii = |content: &Content| match content {
        Content::Text(text) => text.is_ascii(),
        Content::Fill(_) | Content::Zeros(_) => true,
    };
    match step {
        Step::Operation(step) => match &step.operation {
            Operation::Read(what) | Operation::Write(what) => text_is_ascii(&what.content),
            _ => true,
        },
        Step::Check(step) => step.expect.iter().all(|expectation| match expectation {
            Expectation::Content(what) => text_is_ascii(&what.content),
            _ => true,
        }),
        Step::Tick(_) | Step::Fail(_) => true,
    }
}

/// What each byte becomes. Where texts have characters outside of ASCII, the bytes that those consist of stay.
fn permutation(seed: u64, high_bytes_too: bool) -> [u8; 256] {
    let mut bytes: [u8; 256] = std::array::from_fn(|byte| byte as u8);
    let mut state = seed;
    let mut shuffle = |kind: fn(u8) -> bool| {
        let places: Vec<usize> = (0..256).filter(|place| kind(*place as u8)).collect();
        for last in (1..places.len()).rev() {
            let other = (splitmix64(&mut state) % (last as u64 + 1)) as usize;
            bytes.swap(places[last], places[other]);
        }
    };
    shuffle(|byte| byte.is_ascii_alphanumeric());
    shuffle(|byte| byte.is_ascii_control() && byte != 0);
    if high_bytes_too {
        shuffle(|byte| !byte.is_ascii());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u64) -> Scenario {
        let text = r#"{ "name": "a", "description": "d", "steps": [
            { "in": "a", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw" },
            { "in": "a", "do": "mmap", "as": "file", "pages": 1, "prot": "r", "sharing": "private", "file": "init" },
            { "in": "a", "do": "write", "at": "buf", "text": "ab, ab" },
            { "in": "a", "do": "write", "at": "buf+8", "fill": { "byte": 97, "bytes": 3 } },
            { "in": "a", "do": "read", "at": "file", "text": "ab" },
            { "check": "c", "expect": [ { "content": { "at": "a:buf", "text": "ab, ab" } } ] } ] }"#;
        let mut scenario = Scenario::parse_for_any_image("a.json", text).unwrap();
        scenario.draw(seed);
        scenario
    }

    fn content(step: &Step) -> &Content {
        match step {
            Step::Operation(step) => match &step.operation {
                Operation::Read(what) | Operation::Write(what) => &what.content,
                other => panic!("{other}"),
            },
            Step::Check(step) => match &step.expect[0] {
                Expectation::Content(what) => &what.content,
                other => panic!("{other}"),
            },
            other => panic!("{other}"),
        }
    }

    #[test]
    fn what_was_equal_stays_equal_and_other_seeds_give_other_bytes() {
        let mut texts = BTreeSet::new();
        for seed in 0..10 {
            let scenario = drawn(seed);
            let steps = scenario.performed();
            let Content::Text(text) = content(&steps[2]) else {
                panic!()
            };
            assert_eq!(content(&steps[5]), content(&steps[2]));
            let bytes = text.as_bytes();
            assert_eq!((&bytes[2..4], &bytes[..2]), (&b", "[..], &bytes[4..]));
            assert_eq!(content(&steps[3]).repeated_byte(), Some(bytes[0]));
            assert_eq!(scenario, drawn(seed));
            texts.insert(text.clone());
        }
        assert!(texts.len() > 5, "{texts:?}");
    }

    #[test]
    fn what_a_file_holds_is_not_drawn_and_what_is_told_stays() {
        let scenario = drawn(1);
        assert_eq!(content(&scenario.performed()[4]), &Content::Text("ab".to_owned()));
        assert_eq!(content(&scenario.steps[2]), &Content::Text("ab, ab".to_owned()));
    }
}
