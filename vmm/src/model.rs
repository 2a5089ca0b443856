//! The reference model of process memory: what the steps of a scenario must have left behind.
//!
//! The model is told what each step asked for and, where the guest chooses (the address of a mapping), what it answered.
//! From that it says, for every page that the scenario has named, whether the page exists, what may be done with it, with
//! whom it is shared and what it holds. It knows nothing of frames and page tables; comparing is the judge's work.
//!
//! Pages of a process that no step has named (its program, its own stack) are not modelled.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use abi::PAGE_SIZE;
use abi::linux::mman::{PROT_EXEC, PROT_READ, PROT_WRITE};

use crate::address::VirtAddr;
use crate::channel::Channel;

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
}

/// What one process has.
#[derive(Clone, Debug, Default)]
struct Memory {
    pages: BTreeMap<PageNumber, Page>,
    removed: BTreeSet<PageNumber>,
}

#[derive(Clone, Debug)]
struct Page {
    protection: u64,
    backing: Backing,
}

#[derive(Clone, Debug)]
enum Backing {
    Private(Contents),
    Shared(SharedPage),
    /// The process's own stack: it is there, and what it holds is the program's business.
    Unknown,
}

/// None: zeros.
type Contents = Option<Rc<PageBytes>>;

/// What is expected of one page.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'model> {
    /// PROT bits of the mapping.
    pub protection: u64,
    /// Set when other processes may see the same frame.
    pub shared: Option<SharedPage>,
    /// What it holds; None when the model does not say.
    pub contents: Option<&'model PageBytes>,
}

impl Expected<'_> {
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
}

impl Model {
    /// A process with nothing that the scenario has named.
    pub fn start(&mut self, process: Channel) {
        self.processes.insert(process, Memory::default());
    }

    /// `child` has what `parent` has: a copy of what is private, the very pages that are shared.
    pub fn fork(&mut self, parent: Channel, child: Channel) {
        let memory = self.processes.get(&parent).cloned().unwrap_or_default();
        self.processes.insert(child, memory);
    }

    /// The process is gone.
    pub fn end(&mut self, process: Channel) {
        self.processes.remove(&process);
    }

    /// New pages that hold zeros; whatever was there before is replaced.
    pub fn map(&mut self, process: Channel, range: Range<VirtAddr>, protection: u64, kind: Kind) {
        for number in page_numbers(&range) {
            let backing = match kind {
                Kind::Private => Backing::Private(None),
                Kind::Stack => Backing::Unknown,
                Kind::Shared => {
                    self.shared.push(None);
                    Backing::Shared(SharedPage(self.shared.len() - 1))
                }
            };
            let memory = self.memory(process);
            memory.removed.remove(&number);
            memory.pages.insert(number, Page { protection, backing });
        }
    }

    /// The pages are gone.
    pub fn unmap(&mut self, process: Channel, range: Range<VirtAddr>) {
        let memory = self.memory(process);
        for number in page_numbers(&range) {
            if memory.pages.remove(&number).is_some() {
                memory.removed.insert(number);
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
    pub fn page(&self, process: Channel, number: PageNumber) -> Option<Expected<'_>> {
        Some(self.expected(self.processes.get(&process)?.pages.get(&number)?))
    }

    /// All modelled pages of `process`.
    pub fn pages(&self, process: Channel) -> impl Iterator<Item = (PageNumber, Expected<'_>)> {
        let pages = self
            .processes
            .get(&process)
            .into_iter()
            .flat_map(|memory| &memory.pages);
        pages.map(|(number, page)| (*number, self.expected(page)))
    }

    /// Pages that `process` had and gave back.
    pub fn removed_pages(&self, process: Channel) -> impl Iterator<Item = PageNumber> {
        self.processes
            .get(&process)
            .into_iter()
            .flat_map(|memory| &memory.removed)
            .copied()
    }

    fn expected<'model>(&'model self, page: &'model Page) -> Expected<'model> {
        let (shared, contents) = match &page.backing {
            Backing::Private(contents) => (None, Some(contents)),
            Backing::Shared(shared) => (Some(*shared), Some(&self.shared[shared.0])),
            Backing::Unknown => (None, None),
        };
        let contents = contents.map(|contents| contents.as_deref().unwrap_or(&ZEROS));
        Expected {
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
            Backing::Unknown => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: Channel = Channel::FIRST;
    const READ_WRITE: u64 = PROT_READ | PROT_WRITE;

    fn child() -> Channel {
        Channel::new(1).unwrap()
    }

    fn range(first_page: u64, pages: u64) -> Range<VirtAddr> {
        VirtAddr(first_page * PAGE_SIZE)..VirtAddr((first_page + pages) * PAGE_SIZE)
    }

    fn first_byte(model: &Model, process: Channel, number: PageNumber) -> u8 {
        model.page(process, number).unwrap().contents.unwrap()[0]
    }

    fn model_with_fork(kind: Kind) -> Model {
        let mut model = Model::default();
        model.start(PARENT);
        model.map(PARENT, range(16, 2), READ_WRITE, kind);
        model.write(PARENT, VirtAddr(16 * PAGE_SIZE), b"a");
        model.fork(PARENT, child());
        model.write(child(), VirtAddr(16 * PAGE_SIZE), b"b");
        model
    }

    #[test]
    fn a_private_page_is_copied_by_fork() {
        let model = model_with_fork(Kind::Private);
        assert_eq!(first_byte(&model, PARENT, 16), b'a');
        assert_eq!(first_byte(&model, child(), 16), b'b');
        assert_eq!(model.page(PARENT, 16).unwrap().shared, None);
    }

    #[test]
    fn a_shared_page_is_seen_by_both_after_fork() {
        let model = model_with_fork(Kind::Shared);
        assert_eq!(first_byte(&model, PARENT, 16), b'b');
        assert_eq!(
            model.page(PARENT, 16).unwrap().shared,
            model.page(child(), 16).unwrap().shared
        );
        assert_ne!(
            model.page(PARENT, 16).unwrap().shared,
            model.page(PARENT, 17).unwrap().shared
        );
    }

    #[test]
    fn a_store_across_a_page_boundary_lands_on_both_pages() {
        let mut model = model_with_fork(Kind::Private);
        model.write(PARENT, VirtAddr(17 * PAGE_SIZE - 1), b"xy");
        assert_eq!(model.page(PARENT, 16).unwrap().contents.unwrap()[4095], b'x');
        assert_eq!(first_byte(&model, PARENT, 17), b'y');
    }

    #[test]
    fn a_fill_covers_its_bytes_and_no_other() {
        let mut model = Model::default();
        model.start(PARENT);
        model.map(PARENT, range(16, 4), READ_WRITE, Kind::Private);
        model.fill(PARENT, VirtAddr(17 * PAGE_SIZE - 1), PAGE_SIZE + 2, b'x');
        let contents = |number| model.page(PARENT, number).unwrap().contents.unwrap();
        assert_eq!((contents(16)[4094], contents(16)[4095]), (0, b'x'));
        assert_eq!(contents(17), &[b'x'; PAGE_SIZE as usize]);
        assert_eq!((contents(18)[0], contents(18)[1]), (b'x', 0));
        assert_eq!(contents(19), &ZEROS);
    }

    #[test]
    fn a_store_to_one_of_many_filled_pages_leaves_the_others() {
        let mut model = Model::default();
        model.start(PARENT);
        model.map(PARENT, range(16, 2), READ_WRITE, Kind::Private);
        model.fill(PARENT, VirtAddr(16 * PAGE_SIZE), 2 * PAGE_SIZE, b'x');
        model.write(PARENT, VirtAddr(16 * PAGE_SIZE), b"y");
        assert_eq!(first_byte(&model, PARENT, 16), b'y');
        assert_eq!(first_byte(&model, PARENT, 17), b'x');
    }

    #[test]
    fn discarded_private_pages_hold_zeros_and_discarded_shared_ones_do_not() {
        let mut model = model_with_fork(Kind::Private);
        model.discard(PARENT, range(16, 1));
        assert_eq!(first_byte(&model, PARENT, 16), 0);
        let mut model = model_with_fork(Kind::Shared);
        model.discard(PARENT, range(16, 1));
        assert_eq!(first_byte(&model, PARENT, 16), b'b');
    }

    #[test]
    fn an_unmapped_page_is_remembered_until_it_is_mapped_again() {
        let mut model = model_with_fork(Kind::Private);
        model.unmap(PARENT, range(17, 1));
        assert!(model.page(PARENT, 17).is_none());
        assert_eq!(model.removed_pages(PARENT).collect::<Vec<_>>(), [17]);
        model.map(PARENT, range(17, 1), PROT_READ, Kind::Private);
        assert_eq!(model.removed_pages(PARENT).count(), 0);
        assert!(!model.page(PARENT, 17).unwrap().writable());
    }
}
