//! The reference model of process memory: what the steps of a scenario must have left behind.
//!
//! The model is told what each step asked for and, where the guest chooses (the address of a mapping), what it answered.
//! From that it says, for every page that the scenario has named, whether the page exists, what may be done with it, with
//! whom it is shared and what it holds. It knows nothing of frames and page tables; comparing is the judge's work.
//!
//! Pages of a process that no step has named (its program, its own stack) are not modelled.

mod fork;
mod regions;
mod shadow;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use abi::PAGE_SIZE;
use abi::linux::mman::{PROT_EXEC, PROT_READ, PROT_WRITE};

use crate::address::VirtAddr;
use crate::channel::Channel;
use fork::AtFork;

pub use fork::ForkAdvice;
pub use regions::{Region, Regions};
pub use shadow::{ShadowTable, Tracking};

/// Bytes of a page.
pub type PageBytes = [u8; PAGE_SIZE as usize];

/// A page that holds zeros.
const ZEROS: PageBytes = [0; PAGE_SIZE as usize];

/// Number of a page: its address divided by the page size.
pub type PageNumber = u64;

/// Memory that several processes see, by the order in which it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharedPage(usize);

/// All processes of a scenario that are alive.
#[derive(Debug, Default)]
pub struct Model {
    processes: BTreeMap<Channel, Memory>,
    shared: Vec<Contents>,
    shadow: Option<ShadowTable>,
}

/// What one process has.
#[derive(Clone, Debug, Default)]
struct Memory {
    pages: BTreeMap<PageNumber, Page>,
    removed: BTreeMap<PageNumber, Removal>,
}

/// Why a process does not have a page any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It was unmapped.
    Munmap,
    /// The heap shrank.
    Brk,
    /// The process has another program since.
    Execve,
    /// The process was forked, and the page does not go to children.
    Fork,
}

impl fmt::Display for Removal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Munmap => "munmap",
            Self::Brk => "brk",
            Self::Execve => "execve",
            Self::Fork => "fork",
        })
    }
}

#[derive(Clone, Debug)]
struct Page {
    protection: u64,
    backing: Backing,
    at_fork: AtFork,
}

#[derive(Clone, Debug)]
enum Backing {
    Private(Contents),
    Shared(SharedPage),
    /// The process's own stack: it is there, and what it holds is the program's business.
    Stack,
    /// A private mapping of a file, whose contents are not followed.
    File,
    /// A driver's memory, whose contents are not followed.
    Device(SharedPage),
    /// A shadow page table in place of private memory with this protection, that nobody had touched.
    Lent(u64),
}

/// None: zeros.
type Contents = Option<Rc<PageBytes>>;

/// What is expected of one page.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedPage<'model> {
    /// PROT bits of the mapping.
    pub protection: u64,
    /// Set when other processes may see the same frame.
    pub shared: Option<SharedPage>,
    /// What it holds; None when the model does not say.
    pub contents: Option<&'model PageBytes>,
}

impl ExpectedPage<'_> {
    /// The mapping allows stores.
    #[must_use]
    pub fn writable(&self) -> bool {
        self.protection & PROT_WRITE != 0
    }

    /// The mapping allows fetches.
    #[must_use]
    pub fn executable(&self) -> bool {
        self.protection & PROT_EXEC != 0
    }

    /// The mapping allows any access.
    #[must_use]
    pub fn accessible(&self) -> bool {
        self.protection & (PROT_READ | PROT_WRITE | PROT_EXEC) != 0
    }
}

/// How a new mapping behaves across fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Copied.
    Private,
    /// Seen by both.
    Shared,
    /// A part of the process's stack, whose contents are not followed.
    Stack,
    /// A file, whose contents are not followed.
    File,
    /// Memory of a driver's or of a file, which all who map it see, and whose contents are not followed.
    Device,
}

/// What a page is to the kernel's areas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// In none.
    None,
    /// In one of anonymous memory.
    Anonymous,
    /// In one with something behind it.
    Other,
}

impl Model {
    /// A process with nothing that the scenario has named.
    pub fn start(&mut self, process: Channel) {
        self.processes.insert(process, Memory::default());
    }

    /// The process has another program, and nothing of what it had.
    pub fn replace_program(&mut self, process: Channel) {
        let memory = self.memory(process);
        let gone = std::mem::take(&mut memory.pages);
        memory
            .removed
            .extend(gone.into_keys().map(|number| (number, Removal::Execve)));
        self.close_if_inspector(process);
    }

    /// The process is gone.
    pub fn end(&mut self, process: Channel) {
        self.processes.remove(&process);
        self.close_if_inspector(process);
        self.target_ended(process);
    }

    /// New pages that hold zeros; whatever was there before is replaced.
    pub fn map(&mut self, process: Channel, range: Range<VirtAddr>, protection: u64, kind: Kind) {
        for number in page_numbers(&range) {
            let backing = match kind {
                Kind::Private => Backing::Private(None),
                Kind::Stack => Backing::Stack,
                Kind::File => Backing::File,
                Kind::Device => {
                    self.shared.push(None);
                    Backing::Device(SharedPage(self.shared.len() - 1))
                }
                Kind::Shared => {
                    self.shared.push(None);
                    Backing::Shared(SharedPage(self.shared.len() - 1))
                }
            };
            let memory = self.memory(process);
            memory.removed.remove(&number);
            let page = Page {
                protection,
                backing,
                at_fork: AtFork::default(),
            };
            memory.pages.insert(number, page);
        }
    }

    /// The pages are gone.
    pub fn unmap(&mut self, process: Channel, range: Range<VirtAddr>, removal: Removal) {
        let memory = self.memory(process);
        for number in page_numbers(&range) {
            if memory.pages.remove(&number).is_some() {
                memory.removed.insert(number, removal);
            }
        }
    }

    /// The pages have another protection.
    pub fn protect(&mut self, process: Channel, range: Range<VirtAddr>, protection: u64) {
        for (_, page) in self.memory(process).pages.range_mut(page_numbers(&range)) {
            page.protection = protection;
        }
    }

    /// The part of `range` before its first page that `process` does not have.
    #[must_use]
    pub fn up_to_hole(&self, process: Channel, range: Range<VirtAddr>) -> Range<VirtAddr> {
        let has = |number: &PageNumber| self.page(process, *number).is_some();
        let hole = page_numbers(&range).find(|number| !has(number));
        range.start..hole.map_or(range.end, |number| VirtAddr(number * PAGE_SIZE))
    }

    /// madvise(DONTNEED): private pages hold zeros again, shared ones keep what the object has.
    pub fn discard(&mut self, process: Channel, range: Range<VirtAddr>) {
        for (_, page) in self.memory(process).pages.range_mut(page_numbers(&range)) {
            if let Backing::Private(contents) = &mut page.backing {
                *contents = None;
            }
        }
    }

    /// Whether `process` has a page of the range, as far as the scenario has named them.
    #[must_use]
    pub fn has_any(&self, process: Channel, range: &Range<VirtAddr>) -> bool {
        let pages = self.processes.get(&process).map(|memory| &memory.pages);
        pages.is_some_and(|pages| pages.range(page_numbers(range)).next().is_some())
    }

    /// The process stored `bytes` at `address`. Bytes outside its pages are nobody's.
    pub fn write(&mut self, process: Channel, address: VirtAddr, bytes: &[u8]) {
        let mut rest = bytes;
        for (number, part) in page_parts(address, bytes.len() as u64) {
            let stored;
            (stored, rest) = rest.split_at(part.len());
            if let Some(contents) = self.contents(process, number) {
                own_page(contents)[part].copy_from_slice(stored);
            }
        }
    }

    /// As [`Model::write`], with one byte many times. Pages that it fills share their memory until one of them changes.
    pub fn fill(&mut self, process: Channel, address: VirtAddr, len_bytes: u64, byte: u8) {
        let full = Rc::new([byte; PAGE_SIZE as usize]);
        for (number, part) in page_parts(address, len_bytes) {
            match self.contents(process, number) {
                Some(contents) if part.len() == full.len() => *contents = Some(Rc::clone(&full)),
                Some(contents) => own_page(contents)[part].fill(byte),
                None => {}
            }
        }
    }

    /// What is expected of the page `number` of `process`; None when it is not modelled.
    #[must_use]
    pub fn page(&self, process: Channel, number: PageNumber) -> Option<ExpectedPage<'_>> {
        Some(self.expected(self.processes.get(&process)?.pages.get(&number)?))
    }

    /// All modelled pages of `process`.
    pub fn pages(&self, process: Channel) -> impl Iterator<Item = (PageNumber, ExpectedPage<'_>)> {
        let pages = self
            .processes
            .get(&process)
            .into_iter()
            .flat_map(|memory| &memory.pages);
        pages.map(|(number, page)| (*number, self.expected(page)))
    }

    /// Pages that `process` had and has no more, and since when.
    pub fn removed_pages(&self, process: Channel) -> impl Iterator<Item = (PageNumber, Removal)> {
        self.processes
            .get(&process)
            .into_iter()
            .flat_map(|memory| &memory.removed)
            .map(|(number, removal)| (*number, *removal))
    }

    /// What the kernel's areas have at a page; None when no step says it.
    #[must_use]
    pub fn allocation(&self, process: Channel, number: PageNumber) -> Option<Allocation> {
        let memory = self.processes.get(&process)?;
        match memory.pages.get(&number).map(|page| &page.backing) {
            Some(Backing::Private(_) | Backing::Stack) => Some(Allocation::Anonymous),
            Some(Backing::Shared(_) | Backing::Device(_) | Backing::File | Backing::Lent(_)) => {
                Some(Allocation::Other)
            }
            None => memory.removed.contains_key(&number).then_some(Allocation::None),
        }
    }

    fn expected<'model>(&'model self, page: &'model Page) -> ExpectedPage<'model> {
        let (shared, contents) = match &page.backing {
            Backing::Private(contents) => (None, Some(contents)),
            Backing::Shared(shared) => (Some(*shared), Some(&self.shared[shared.0])),
            Backing::Device(shared) => (Some(*shared), None),
            Backing::Stack | Backing::File | Backing::Lent(_) => (None, None),
        };
        let contents = contents.map(|contents| contents.as_deref().unwrap_or(&ZEROS));
        ExpectedPage {
            protection: page.protection,
            shared,
            contents,
        }
    }

    /// What a page holds; None for a page that is not there or not followed.
    fn contents(&mut self, process: Channel, number: PageNumber) -> Option<&mut Contents> {
        let page = self.processes.get_mut(&process)?.pages.get_mut(&number)?;
        match &mut page.backing {
            Backing::Private(contents) => Some(contents),
            Backing::Shared(SharedPage(index)) => Some(&mut self.shared[*index]),
            Backing::Device(_) | Backing::Stack | Backing::File | Backing::Lent(_) => None,
        }
    }

    fn memory(&mut self, process: Channel) -> &mut Memory {
        self.processes.entry(process).or_default()
    }
}

/// A page's bytes, to be changed for this page alone.
fn own_page(contents: &mut Contents) -> &mut PageBytes {
    Rc::make_mut(contents.get_or_insert_with(|| Rc::new(ZEROS)))
}

/// The pages that `len_bytes` from `address` on touch, and the part of each that they cover.
fn page_parts(address: VirtAddr, len_bytes: u64) -> impl Iterator<Item = (PageNumber, Range<usize>)> {
    let end = address.0.saturating_add(len_bytes);
    page_numbers(&(address..VirtAddr(end))).map(move |number| {
        let start = number * PAGE_SIZE;
        let offset = |place: u64| usize::try_from(place - start).expect("at most a page");
        (
            number,
            offset(address.0.max(start))..offset(end.min(start.saturating_add(PAGE_SIZE))),
        )
    })
}

/// Numbers of the pages that `range` touches.
fn page_numbers(range: &Range<VirtAddr>) -> Range<PageNumber> {
    range.start.0 / PAGE_SIZE..range.end.0.div_ceil(PAGE_SIZE)
}
