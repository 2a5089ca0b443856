//! The entries, in frames of the kernel's.

use abi::PAGE_SIZE;
use abi::shadowpt::{ENTRY_BYTES, SPTE_PTE_MAPPED, SPTE_VADDR_ALLOCATED, SPTE_VADDR_ANONYMOUS};

use crate::mm::{FrameKind, FrameNumber, FrameRef, KernelPages, OutOfMemory, PageRange, VirtAddr};

const WORDS: usize = ENTRY_BYTES as usize / 8;
/// Words of an entry, in the order of [`abi::shadowpt::ShadowPte`].
const VADDR: usize = 0;
const PFN: usize = 1;
const FLAGS: usize = 2;

/// What an area is to the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Area {
    None,
    Anonymous,
    Other,
}

/// An entry for each page of a range; all zero until they are first reset.
pub(super) struct Entries {
    first: VirtAddr,
    pages: KernelPages,
}

impl Entries {
    pub(super) fn new(range: PageRange) -> Result<Self, OutOfMemory> {
        let bytes = range.pages() * ENTRY_BYTES;
        let frames = bytes.div_ceil(PAGE_SIZE) as usize;
        Ok(Self {
            first: range.start(),
            pages: KernelPages::new(FrameKind::ShadowTable, frames)?,
        })
    }

    /// Whether they have ever been reset.
    pub(super) fn are_filled(&self) -> bool {
        self.pages.load(VADDR) == self.first.as_u64()
    }

    pub(super) fn frames(&self) -> &[FrameRef] {
        self.pages.frames()
    }

    /// Nothing is at these pages.
    pub(super) fn reset(&mut self, range: PageRange) {
        for page in range.iter() {
            let at = self.word_of(page);
            self.pages.store(at + VADDR, page.as_u64());
            self.pages.store(at + PFN, 0);
            self.pages.store(at + FLAGS, 0);
        }
    }

    /// The pages lie in such an area. What is mapped there stays.
    pub(super) fn set_area(&mut self, range: PageRange, area: Area) {
        let flags = match area {
            Area::None => 0,
            Area::Anonymous => SPTE_VADDR_ALLOCATED | SPTE_VADDR_ANONYMOUS,
            Area::Other => SPTE_VADDR_ALLOCATED,
        };
        for page in range.iter() {
            let at = self.word_of(page) + FLAGS;
            self.pages
                .store(at, self.pages.load(at) & SPTE_PTE_MAPPED | flags);
        }
    }

    /// No frame is mapped at these pages. What area they lie in stays.
    pub(super) fn set_unmapped(&mut self, range: PageRange) {
        for page in range.iter() {
            let at = self.word_of(page);
            self.pages.store(at + PFN, 0);
            self.pages
                .store(at + FLAGS, self.pages.load(at + FLAGS) & !SPTE_PTE_MAPPED);
        }
    }

    /// The page is mapped, to this frame if it is in memory.
    pub(super) fn set_mapped(&mut self, page: VirtAddr, frame: Option<FrameNumber>) {
        let at = self.word_of(page);
        let number = frame.map_or(0, |frame| frame.as_u32().into());
        self.pages.store(at + PFN, number);
        self.pages
            .store(at + FLAGS, self.pages.load(at + FLAGS) | SPTE_PTE_MAPPED);
    }

    fn word_of(&self, page: VirtAddr) -> usize {
        ((page.as_u64() - self.first.as_u64()) / PAGE_SIZE) as usize * WORDS
    }
}
