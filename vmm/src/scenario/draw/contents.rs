//! Contents drawn at random.
//!
//! The bytes are drawn as a permutation, so what was equal stays equal and what differed goes on to differ: letters and digits among
//! themselves, the other control characters among themselves, and so the bytes from 0x80 on. Zero, blanks and punctuation stay. So do
//! places whose bytes are not the scenario's: files, stacks, and shadow page tables.

use std::collections::BTreeSet;

use super::super::{
    Content, ContentAt, Expectation, Fill, KernelCopy, Operation, OperationStep, Place, RegionAddress,
    RegionName, Step,
};
use crate::draws::splitmix64;

pub(super) struct Contents {
    bytes: [u8; 256],
    /// Regions whose contents are not the scenario's.
    fixed: BTreeSet<RegionName>,
}

impl Contents {
    /// Those of `steps`, drawn by `seed`.
    pub(super) fn new(steps: &[Step], seed: u64) -> Self {
        Self {
            bytes: permutation(seed, steps.iter().all(is_ascii)),
            fixed: steps.iter().filter_map(region_of_others).cloned().collect(),
        }
    }

    /// The step with the drawn contents.
    pub(super) fn step(&self, step: Step) -> Step {
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
            Operation::Read(what) => Operation::Read(self.content_at(what, Place::region)),
            Operation::Write(what) => Operation::Write(self.content_at(what, Place::region)),
            Operation::CopyToUser(copy) => Operation::CopyToUser(self.copy(copy, Place::region)),
            Operation::CopyFromUser(copy) => Operation::CopyFromUser(self.copy(copy, Place::region)),
            Operation::MemWrite(copy) => Operation::MemWrite(self.copy(copy, |at| Some(&at.place))),
            Operation::MemRead(copy) => Operation::MemRead(self.copy(copy, |at| Some(&at.place))),
            other => other,
        }
    }

    fn copy<A>(&self, copy: KernelCopy<A>, place: impl Fn(&A) -> Option<&RegionAddress>) -> KernelCopy<A> {
        KernelCopy {
            what: self.content_at(copy.what, place),
            ..copy
        }
    }

    fn content_at<A>(
        &self,
        what: ContentAt<A>,
        place: impl Fn(&A) -> Option<&RegionAddress>,
    ) -> ContentAt<A> {
        if place(&what.at).is_some_and(|place| self.fixed.contains(&place.region)) {
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
            Operation::CopyToUser(copy) | Operation::CopyFromUser(copy) => text_is_ascii(&copy.what.content),
            Operation::MemWrite(copy) | Operation::MemRead(copy) => text_is_ascii(&copy.what.content),
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
