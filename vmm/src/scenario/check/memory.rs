//! Ranges of memory that operations name, by regions and by numbers.
//!
//! A guest may do as it is told. So what a step names is memory of the scenario's own, or nobody's, or so long that no kernel can take
//! it for memory: what lies beside a region may be the agent's own.

use abi::doorbell::MAX_TRANSFER_BYTES;
use abi::linux::mman::{MADV_FREE, MADV_REMOVE, MAP_GROWSDOWN, MAP_NORESERVE};
use abi::{PAGE_SIZE, paging};

use super::CheckError;
use super::document::in_range;
use super::operations::{StepCheck, content};
use crate::scenario::language::{
    Advice, Expected, KernelCopy, Number, Operation, Place, Placement, RegionAddress,
};

/// No process has memory below, where a kernel keeps pointers that lead nowhere from leading somewhere.
const LOWEST_USED: u64 = 0x1_0000;
/// No process has memory from here on.
const END_USED: u64 = paging::USER_END - PAGE_SIZE;

/// Most pages of a mapping that no memory is kept ready for: each is known by itself.
const MOST_UNRESERVED_PAGES: u64 = 1 << 16;

/// How long a range can be that starts where a process can have memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Longest {
    /// A call refuses what passes the addresses of processes.
    Addressable,
    /// A call refuses only what passes the last address of all.
    WithoutWrapping,
}

impl Longest {
    fn is_passed_by(self, len_bytes: u64) -> bool {
        match self {
            Self::Addressable => len_bytes > paging::USER_END,
            Self::WithoutWrapping => len_bytes.checked_add(LOWEST_USED).is_none(),
        }
    }
}

impl StepCheck<'_> {
    pub(super) fn mmap(&mut self, operation: &Operation) {
        let Operation::Mmap {
            region,
            pages,
            bytes,
            at,
            placement,
            flags,
            ..
        } = operation
        else {
            unreachable!("called for mmap")
        };
        let is_unreserved = flags.iter().any(|flag| flag.number() == MAP_NORESERVE);
        let most = if is_unreserved {
            MOST_UNRESERVED_PAGES
        } else {
            self.world.memory_pages
        };
        match at {
            None => {
                if *placement != Placement::default() {
                    self.findings
                        .add(self.path.key("placement"), CheckError::PlacementWithoutPlace);
                }
                self.length(*pages, *bytes, most);
            }
            // The kernel may take it for a wish, and maps over nothing.
            Some(Place::Raw(_)) if *placement == Placement::Hint => {
                self.length(*pages, *bytes, most);
            }
            Some(at) => {
                let at = match (at, placement) {
                    // A wish may be for any address: the kernel takes it for the page's.
                    (Place::Region(at), Placement::Hint) => {
                        let bytes = at.bytes - at.bytes % PAGE_SIZE;
                        Place::Region(RegionAddress { bytes, ..at.clone() })
                    }
                    _ => at.clone(),
                };
                self.range_up_to(&at, (*pages, *bytes), Longest::Addressable, most);
            }
        }
        for (index, flag) in flags.iter().enumerate() {
            let path = self.path.key("flags").index(index);
            if self.is_unknown(flag.is_raw() || flag.number() == MAP_GROWSDOWN) {
                self.findings.add(
                    path,
                    CheckError::EffectUnknown {
                        found: flag.to_string(),
                    },
                );
            }
        }
        if self.step.expected == Expected::Success {
            let pages = len_of(*pages, *bytes).unwrap_or(0).div_ceil(PAGE_SIZE);
            let added = self.world.add_region(&self.step.process, region, pages);
            self.keep("as", added);
        }
    }

    pub(super) fn advice(&mut self, advice: Advice) {
        let drops_some_time = [MADV_FREE, MADV_REMOVE].contains(&advice.number());
        if self.is_unknown(advice.is_raw() || drops_some_time) {
            let found = advice.to_string();
            self.findings
                .add(self.path.key("advice"), CheckError::EffectUnknown { found });
        }
    }

    /// Nobody knows what memory holds after a call that does something unknown.
    fn is_unknown(&self, has_unknown_effect: bool) -> bool {
        has_unknown_effect && self.step.expected == Expected::Success
    }

    /// A range of whole pages.
    pub(super) fn range(&mut self, at: &Place, pages: Option<u64>, bytes: Option<Number>, longest: Longest) {
        let most = self.world.memory_pages.max(MOST_UNRESERVED_PAGES);
        self.range_up_to(at, (pages, bytes), longest, most);
    }

    fn range_up_to(
        &mut self,
        at: &Place,
        (pages, bytes): (Option<u64>, Option<Number>),
        longest: Longest,
        most_pages: u64,
    ) {
        let Some(len_bytes) = self.length(pages, bytes, most_pages) else {
            return;
        };
        let is_refused = self.step.expected != Expected::Success;
        match at {
            Place::Region(at) if is_refused && longest.is_passed_by(len_bytes) => self.page_range(at, 0),
            Place::Region(at) => self.page_range(at, len_bytes.div_ceil(PAGE_SIZE)),
            Place::Raw(address) => self.raw(*address, len_bytes),
        }
    }

    /// Bytes anywhere.
    pub(super) fn access(&mut self, at: &Place, len_bytes: u64) {
        match at {
            Place::Region(at) => {
                let process = self.world.single(&self.step.process);
                let in_region = process.and_then(|process| process.holds(&self.step.process, at, len_bytes));
                self.keep("at", in_region);
            }
            Place::Raw(address) => self.raw(*address, len_bytes),
        }
    }

    /// Where no process has memory. A range that passes the last address of all is no range.
    fn raw(&mut self, address: u64, len_bytes: u64) {
        let end = address.checked_add(len_bytes);
        if address < END_USED && end.is_some_and(|end| end > LOWEST_USED) {
            self.findings
                .add(self.path.key("at"), CheckError::RawInUse { address, len_bytes });
        }
    }

    /// The length in bytes; None when it is no length.
    fn length(&mut self, pages: Option<u64>, bytes: Option<Number>, most_pages: u64) -> Option<u64> {
        let found = usize::from(pages.is_some()) + usize::from(bytes.is_some());
        if found != 1 {
            self.findings
                .add(self.path.clone(), CheckError::Lengths { found });
            return None;
        }
        match (pages, bytes) {
            (Some(pages), _) => self.page_count("pages", pages, most_pages),
            (None, Some(Number(bytes))) if self.step.expected == Expected::Success && bytes > 0 => {
                self.page_count("bytes", bytes.div_ceil(PAGE_SIZE), most_pages);
            }
            // Which lengths are none is for the kernel to say.
            (None, _) => {}
        }
        len_of(pages, bytes)
    }

    pub(super) fn copy_size<A>(&mut self, copy: &KernelCopy<A>) {
        content(&copy.what.content, self.path, self.findings);
        let len_bytes = copy.what.content.len_bytes();
        let most = in_range(
            "the number of bytes of one call",
            len_bytes,
            1,
            MAX_TRANSFER_BYTES,
        );
        self.findings.keep(self.path, most);
        let Some(count) = copy.count else { return };
        if self.step.expected != Expected::Success {
            self.findings
                .add(self.path.key("count"), CheckError::CountRefused);
        }
        let count = in_range("the number of bytes that are moved", count, 1, len_bytes);
        self.keep("count", count);
    }
}

fn len_of(pages: Option<u64>, bytes: Option<Number>) -> Option<u64> {
    match (pages, bytes) {
        (Some(pages), _) => pages.checked_mul(PAGE_SIZE),
        (None, bytes) => bytes.map(|Number(bytes)| bytes),
    }
}
