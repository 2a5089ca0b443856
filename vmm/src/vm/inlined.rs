//! Functions that the compiler has put into others, and where functions are in their sources, as the kernel's debug information (DWARF) tells of
//! them.
//!
//! All of it is a stranger's: it is read up to a size, and what cannot be read is as if it were not there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;

use addr2line::{Context, Location};
use gimli::{Dwarf, EndianRcSlice, Error, LittleEndian as DwarfEndian, SectionId};
use object::LittleEndian;
use object::elf::SHF_COMPRESSED;
use object::read::ReadRef;
use object::read::elf::SectionHeader;

use super::calls::Label;
use super::symbols::demangled;
use crate::kernel_file::sections::sections;
use crate::printable::Printable;
use crate::trace::UNKNOWN;

/// Most bytes of debug information that are read. That of this project's kernel has four megabytes.
const MAX_DEBUG_BYTES: u64 = 64 << 20;
/// Most addresses of instructions that are kept.
const MOST_KEPT: usize = 1 << 16;
/// Most functions in each other that are looked at.
const MAX_DEPTH: usize = 32;

/// What the debug information says of functions in others.
pub(super) struct InlinedFunctions {
    context: Context<EndianRcSlice<DwarfEndian>>,
    found: RefCell<Lookups>,
}

/// Line and column of a call, where they are known.
type CalledAt = Option<(u32, u32)>;

/// What was asked for so far.
#[derive(Default)]
struct Lookups {
    /// By the addresses of instructions.
    at: HashMap<u64, Rc<[Inlined]>>,
    /// By name, and by where the function was called.
    numbers: HashMap<(Printable, CalledAt), Inlined>,
    labels: Vec<Label>,
}

/// One function in another: the place where it was called, so that one that is called twice there is told apart. It has a name in
/// [`InlinedFunctions::label`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Inlined(u32);

#[cfg(test)]
impl Inlined {
    pub(super) fn numbered(number: u32) -> Inlined {
        Inlined(number)
    }
}

impl InlinedFunctions {
    /// What a kernel's file says; None where it says nothing that can be read, or too much.
    pub(super) fn read<'data, R: ReadRef<'data>>(data: R) -> Option<InlinedFunctions> {
        let sections = sections(data)?;
        let mut left = MAX_DEBUG_BYTES;
        let mut load = |id: SectionId| -> Result<EndianRcSlice<DwarfEndian>, Error> {
            let section = sections.section_by_name(LittleEndian, id.name().as_bytes());
            let bytes = match section {
                None => &[],
                Some((_, section)) => {
                    let len = section.sh_size(LittleEndian);
                    let is_compressed = section.sh_flags(LittleEndian).contains(SHF_COMPRESSED);
                    left = left
                        .checked_sub(len)
                        .filter(|_| !is_compressed)
                        .ok_or(Error::Io)?;
                    section.data(LittleEndian, data).map_err(|_| Error::Io)?
                }
            };
            Ok(EndianRcSlice::new(Rc::from(bytes), DwarfEndian))
        };
        let dwarf = Dwarf::load(&mut load).ok()?;
        Some(InlinedFunctions {
            context: Context::from_dwarf(dwarf).ok()?,
            found: RefCell::default(),
        })
    }

    /// The functions to which an instruction belongs inside the one that was called, the outermost first.
    pub(super) fn at(&self, address: u64) -> Rc<[Inlined]> {
        let mut found = self.found.borrow_mut();
        if let Some(known) = found.at.get(&address) {
            return Rc::clone(known);
        }
        if found.at.len() == MOST_KEPT {
            // A guest may carry out instructions at more addresses than it has memory for.
            found.at.clear();
        }
        let calls = self.calls(address).into_iter().rev();
        let inlined: Rc<[Inlined]> = calls.map(|call| found.number(call)).collect();
        found.at.insert(address, Rc::clone(&inlined));
        inlined
    }

    /// What a function is told by: its name as its source has it, and the place in it that was met first.
    pub(super) fn label(&self, inlined: Inlined) -> Label {
        self.found.borrow().labels[inlined.0 as usize].clone()
    }

    /// Where in its source an instruction is; empty where that is not known.
    pub(super) fn place_of(&self, address: u64) -> Printable {
        let location = self.context.find_location(address).ok().flatten();
        place(location.as_ref())
    }

    /// The functions, each with where it was called, the innermost first.
    fn calls(&self, address: u64) -> Vec<(Label, CalledAt)> {
        let Ok(mut frames) = self.context.find_frames(address).skip_all_loads() else {
            return Vec::new();
        };
        // Each frame says where it goes on: that is where the one inside it was called.
        let mut calls = Vec::new();
        let mut inner: Option<Label> = None;
        while let Ok(Some(frame)) = frames.next() {
            if calls.len() == MAX_DEPTH {
                return Vec::new();
            }
            let name = frame
                .function
                .and_then(|function| Some(demangled(&function.raw_name().ok()?)));
            let label = Label {
                name: name.map_or_else(|| UNKNOWN.into(), |name| Printable::name(&name)),
                place: place(frame.location.as_ref()),
            };
            if let Some(label) = inner.replace(label) {
                let at = frame.location.and_then(|at| Some((at.line?, at.column?)));
                calls.push((label, at));
            }
        }
        calls
    }
}

fn place(location: Option<&Location<'_>>) -> Printable {
    let file_and_line = location.and_then(|at| Some((at.file?, at.line?)));
    file_and_line.map_or_else(Printable::default, |(file, line)| {
        format!("{}:{line}", Printable::name(file)).into()
    })
}

impl Lookups {
    fn number(&mut self, (label, at): (Label, CalledAt)) -> Inlined {
        let next = Inlined(u32::try_from(self.labels.len()).unwrap_or(u32::MAX));
        match self.numbers.entry((label.name.clone(), at)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.labels.push(label);
                *new.insert(next)
            }
        }
    }
}
