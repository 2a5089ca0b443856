//! Who prints: whose page table is in use while something goes to the console.
//!
//! What a program prints comes by way of the kernel, so the processor is in kernel mode then, and the page table says for whom. While
//! a program is run for its output, that page table must map the program's own code, and must not be one of a process that was
//! reported as ended.

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, iter};

use super::process_roots::ProcessRoots;
use crate::address::VirtAddr;
use crate::channel::Event;
use crate::guest::ProgramText;
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::Root;

/// Why output is not the program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misprint {
    /// The page table in use maps nothing of the program's code, or something else in its place.
    OtherCode,
    /// The page table in use is that of a process which was reported as ended.
    Ended,
}

impl fmt::Display for Misprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Misprint::OtherCode => "the page table in use did not map the program's code",
            Misprint::Ended => "its page table was in use while something was printed",
        })
    }
}

/// Whose output is awaited.
#[derive(Debug)]
struct Awaited {
    program: String,
    /// Others that it starts.
    starts: Vec<String>,
}

/// What is known of those who print.
#[derive(Debug, Default)]
pub(super) struct Printers {
    /// Code of programs, by name.
    texts: BTreeMap<String, ProgramText>,
    /// The programs of which one prints; None while nobody's output is awaited.
    awaited: Option<Awaited>,
    /// Where code was found last: what need not be looked for again.
    found: Option<(Root, String, VirtAddr)>,
    roots: ProcessRoots,
    wrong: BTreeSet<(String, Misprint)>,
}

impl Printers {
    pub(super) fn new(texts: BTreeMap<String, ProgramText>) -> Printers {
        Printers {
            texts,
            ..Printers::default()
        }
    }

    /// From now on these are the programs that may print.
    pub(super) fn set_texts(&mut self, texts: BTreeMap<String, ProgramText>) {
        (self.texts, self.found) = (texts, None);
    }

    /// From now on what is printed is the program's, or comes from one that it starts.
    pub(super) fn await_output(&mut self, program: &str, starts: &[String]) {
        let (program, starts) = (program.to_owned(), starts.to_vec());
        (self.awaited, self.found) = (Some(Awaited { program, starts }), None);
    }

    /// From now on what is printed is nobody's.
    pub(super) fn await_nobody(&mut self) {
        (self.awaited, self.found) = (None, None);
    }

    /// Takes note of whose page table is whose.
    pub(super) fn note(&mut self, event: &Event) {
        self.roots.note(event);
    }

    /// Whether somebody's output is awaited: otherwise there is nothing to look at.
    pub(super) fn awaits_somebody(&self) -> bool {
        self.awaited.is_some()
    }

    /// Looks at the page table in use, while the processor stands still at an access to the console.
    pub(super) fn look(&mut self, root: Root, memory: PhysicalMemory<'_>) {
        let Some(Awaited { program, starts }) = &self.awaited else {
            return;
        };
        if self.roots.ended_with(root).is_some() {
            self.wrong.insert((program.clone(), Misprint::Ended));
        }
        let is_still_there = |(before, name, page): &(Root, String, VirtAddr)| {
            let text = self.texts.get(name);
            *before == root && text.is_some_and(|text| text.is_mapped_at(*page, memory, root))
        };
        if self.found.as_ref().is_some_and(is_still_there) {
            return;
        }
        self.found = iter::once(program).chain(starts).find_map(|name| {
            let page = self.texts.get(name)?.mapped_page(memory, root)?;
            Some((root, name.clone(), page))
        });
        if self.found.is_none() {
            self.wrong.insert((program.clone(), Misprint::OtherCode));
        }
    }

    /// What was wrong, and while which program's output was awaited.
    pub(super) fn wrong(&self) -> impl Iterator<Item = (&str, Misprint)> {
        self.wrong
            .iter()
            .map(|(program, misprint)| (program.as_str(), *misprint))
    }
}
