//! Looks at faults that a program serves, at the moments at which the kernel tells of them.
//!
//! Between a fault and the moment at which its thread goes on there is a program at work, and the thread's process may have ended
//! before an agent asks for its next operation. So what the page tables have is written down at each moment, and the judge gets it
//! with the next step.
//!
//! **Invariant:** what a guest can have kept of one run, here and by the judge, is bounded in bytes; what is not looked at as a
//! whole is counted.

use std::collections::BTreeSet;
use std::ops::Range;

use abi::PAGE_SIZE;
use abi::linux::userfaultfd::UFFDIO_REGISTER_MODE_WP;

use crate::address::{FrameNumber, VirtAddr};
use crate::channel::Event;
use crate::inspect::memory::FrameBytes;
use crate::inspect::walk::{self, Root};
use crate::inspect::{Effort, PhysicalMemory};
use crate::vm::{DirtyCursor, Stop, VmError};

use super::user_pages::{frames_of, mapped};

/// Most ranges and most faults that wait at a time.
const MAX_RANGES: usize = 64;
const MAX_FAULTS: usize = 1024;
/// Most bytes that are kept of one run.
const MAX_BYTES: usize = 16 << 20;
/// Most pages of a range whose contents are kept, to tell later which have changed.
const MAX_KEPT_PAGES: usize = 256;

/// What was seen since the judge last asked.
#[derive(Debug, Default)]
pub(super) struct UserFaults {
    ranges: Vec<ServedRange>,
    faults: Vec<SeenFault>,
    /// Faults so far, those that the judge has got included.
    count: u64,
    intervals: Vec<Interval>,
    /// Bytes that are kept, here and by the judge.
    bytes: usize,
    missed: u64,
}

/// Memory whose faults a program serves.
#[derive(Clone, Debug)]
struct ServedRange {
    root: Root,
    pages: Range<VirtAddr>,
    mode: u64,
    /// Faults before it, of all.
    earlier_faults: u64,
    /// With write protection: what each page held, and its frame, when it was registered.
    kept: Vec<(VirtAddr, FrameNumber, Box<FrameBytes>)>,
    /// Up to where the dirty log was read when it was registered.
    since: DirtyCursor,
}

/// A fault, and what became of it.
#[derive(Clone, Debug)]
pub struct SeenFault {
    /// The thread that waits.
    pub tid: u32,
    /// Its page.
    pub page: VirtAddr,
    /// `USER_FAULT_*` of [`abi::event`].
    pub flags: u64,
    /// First address and end of the range that a program serves; None when the kernel told of none.
    pub range: Option<Range<VirtAddr>>,
    /// Whether the page was mapped when the thread began to wait.
    pub was_mapped: bool,
    /// The moment at which the thread went on; None when it has not.
    pub served: Option<Served>,
    root: Root,
    /// Faults before it, of all.
    earlier: u64,
    /// In ascending order; empty when the fault is served.
    mapped_before: Vec<VirtAddr>,
}

#[cfg(test)]
impl SeenFault {
    /// A fault on the second page of a range of four.
    pub(crate) fn example(flags: u64, was_mapped: bool, served: Option<Served>) -> SeenFault {
        SeenFault {
            tid: 7,
            page: VirtAddr(0x1000_1000),
            flags,
            range: Some(VirtAddr(0x1000_0000)..VirtAddr(0x1000_4000)),
            was_mapped,
            served,
            root: Root::from_cr3(0x1000),
            earlier: 0,
            mapped_before: Vec::new(),
        }
    }
}

/// What there was when a thread went on.
#[derive(Clone, Debug)]
pub struct Served {
    /// What the page holds; None if it is not mapped.
    pub contents: Option<Box<FrameBytes>>,
    /// Whether a store to it works.
    pub is_writable: bool,
    /// Pages of the range that have become mapped since, and that nobody has waited for.
    pub unasked: Vec<VirtAddr>,
    /// Frames that the process has in all.
    pub frames: usize,
}

/// The time from a registration with write protection to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Numbers of the pages, from the start of the range, whose contents have changed.
    pub changed: Vec<u64>,
    /// Numbers of the pages whose frames were written by KVM's log. On some machines these are more.
    pub written: Vec<u64>,
    /// Numbers of the pages on which a thread has met the protection.
    pub met: Vec<u64>,
}

/// All that was seen since the judge last asked.
#[derive(Clone, Debug, Default)]
pub struct Sighting {
    /// In the order in which threads began to wait.
    pub faults: Vec<SeenFault>,
    /// In the order in which they ended.
    pub intervals: Vec<Interval>,
    /// Moments that were not looked at, because there were too many.
    pub missed: u64,
}

impl UserFaults {
    /// Looks at one moment; others are none of these.
    pub(super) fn look(
        &mut self,
        event: &Event,
        stop: &mut Stop<'_>,
        effort: &Effort,
    ) -> Result<(), VmError> {
        let cut_before = effort.cut();
        let root = stop.root()?;
        match *event {
            Event::UserFaultRegistered {
                start,
                len_bytes,
                mode,
                ..
            } => {
                let pages = start..VirtAddr(start.0.saturating_add(len_bytes));
                self.end(root, &pages, stop)?;
                if mode != 0 {
                    self.begin(root, pages, mode, stop, effort)?;
                }
            }
            Event::UserFault { tid, page, flags } => self.fault(root, (tid, page, flags), stop, effort),
            Event::UserFaultServed { tid, page } => self.served(root, tid, page, stop, effort),
            _ => {}
        }
        self.missed += u64::from(effort.cut() > cut_before);
        Ok(())
    }

    /// What was seen since this was last called. Faults that are not served yet stay.
    pub(super) fn take(&mut self) -> Sighting {
        let (waiting, faults) = std::mem::take(&mut self.faults)
            .into_iter()
            .partition(|fault| fault.served.is_none());
        self.faults = waiting;
        Sighting {
            faults,
            intervals: std::mem::take(&mut self.intervals),
            missed: self.missed,
        }
    }

    fn begin(
        &mut self,
        root: Root,
        pages: Range<VirtAddr>,
        mode: u64,
        stop: &mut Stop<'_>,
        effort: &Effort,
    ) -> Result<(), VmError> {
        if self.ranges.len() == MAX_RANGES || !self.keep(size_of::<ServedRange>()) {
            self.missed += 1;
            return Ok(());
        }
        let mut since = DirtyCursor::default();
        stop.written_since(&mut since)?;
        let memory = PhysicalMemory::new(stop.memory());
        let mut kept = Vec::new();
        if mode & UFFDIO_REGISTER_MODE_WP != 0 {
            for (page, frame) in mapped(memory, root, &pages, effort)
                .into_iter()
                .take(MAX_KEPT_PAGES)
            {
                let mut contents = Box::new(FrameBytes::zeroed());
                if memory.copy_frame(frame, &mut contents).is_err() {
                    continue;
                }
                if !self.keep(size_of::<FrameBytes>()) {
                    self.missed += 1;
                    break;
                }
                kept.push((page, frame, contents));
            }
        }
        self.ranges.push(ServedRange {
            root,
            pages,
            mode,
            earlier_faults: self.count,
            kept,
            since,
        });
        Ok(())
    }

    /// Ends what was registered there.
    fn end(&mut self, root: Root, pages: &Range<VirtAddr>, stop: &mut Stop<'_>) -> Result<(), VmError> {
        let is_meant = |range: &ServedRange| {
            range.root == root && range.pages.start < pages.end && pages.start < range.pages.end
        };
        let (ended, others) = std::mem::take(&mut self.ranges).into_iter().partition(is_meant);
        self.ranges = others;
        let ended: Vec<ServedRange> = ended;
        for mut range in ended {
            self.bytes -= size_of::<ServedRange>() + range.kept.len() * size_of::<FrameBytes>();
            if range.mode & UFFDIO_REGISTER_MODE_WP == 0 {
                continue;
            }
            let written = stop.written_since(&mut range.since)?;
            let memory = PhysicalMemory::new(stop.memory());
            let number = |page: VirtAddr| (page.0 - range.pages.start.0) / PAGE_SIZE;
            let mut interval = Interval::default();
            for (page, frame, before) in &range.kept {
                let mut now = FrameBytes::zeroed();
                let present = walk::translate(memory, root, *page).map(|found| found.frame());
                let is_read = present.is_ok_and(|frame| memory.copy_frame(frame, &mut now).is_ok());
                if is_read && now.0 != before.0 {
                    interval.changed.push(number(*page));
                }
                if written.contains(*frame) {
                    interval.written.push(number(*page));
                }
            }
            let met = self.faults.iter().filter(|fault| {
                fault.root == root
                    && fault.earlier >= range.earlier_faults
                    && range.pages.contains(&fault.page)
                    && fault.flags & abi::event::USER_FAULT_WRITE_PROTECTED != 0
            });
            interval.met = met.map(|fault| number(fault.page)).collect();
            interval.met.sort_unstable();
            interval.met.dedup();
            let pages = interval.changed.len() + interval.written.len() + interval.met.len();
            if self.keep(size_of::<Interval>() + pages * size_of::<u64>()) {
                self.intervals.push(interval);
            } else {
                self.missed += 1;
            }
        }
        Ok(())
    }

    fn fault(
        &mut self,
        root: Root,
        (tid, page, flags): (u32, VirtAddr, u64),
        stop: &Stop<'_>,
        effort: &Effort,
    ) {
        let memory = PhysicalMemory::new(stop.memory());
        let range = self.range_at(root, page);
        let mapped_before = match &range {
            Some(range) => mapped(memory, root, range, effort)
                .into_iter()
                .map(|(page, _)| page)
                .collect(),
            None => Vec::new(),
        };
        let bytes = size_of::<SeenFault>() + mapped_before.len() * size_of::<VirtAddr>();
        if self.faults.len() == MAX_FAULTS || !self.keep(bytes) {
            self.missed += 1;
            return;
        }
        self.faults.push(SeenFault {
            tid,
            page,
            flags,
            range,
            was_mapped: walk::translate(memory, root, page).is_ok(),
            served: None,
            root,
            earlier: self.count,
            mapped_before,
        });
        self.count += 1;
    }

    fn served(&mut self, root: Root, tid: u32, page: VirtAddr, stop: &Stop<'_>, effort: &Effort) {
        let memory = PhysicalMemory::new(stop.memory());
        let asked: BTreeSet<VirtAddr> = self
            .faults
            .iter()
            .filter(|fault| fault.root == root)
            .map(|fault| fault.page)
            .collect();
        let is_meant = |fault: &SeenFault| fault.tid == tid && fault.page == page && fault.served.is_none();
        let Some(index) = self.faults.iter().position(is_meant) else {
            self.missed += 1;
            return;
        };
        let fault = &self.faults[index];
        let translation = walk::translate(memory, root, page).ok();
        let mut contents = Box::new(FrameBytes::zeroed());
        let is_read = translation
            .as_ref()
            .is_some_and(|found| memory.copy_frame(found.frame(), &mut contents).is_ok());
        let now = fault
            .range
            .as_ref()
            .map(|range| mapped(memory, root, range, effort));
        let unasked: Vec<VirtAddr> = now
            .unwrap_or_default()
            .into_iter()
            .map(|(page, _)| page)
            .filter(|page| !asked.contains(page) && fault.mapped_before.binary_search(page).is_err())
            .collect();
        let served = Served {
            contents: is_read.then_some(contents),
            is_writable: translation.is_some_and(|found| found.permissions.user_writable()),
            unasked,
            frames: frames_of(memory, root, effort),
        };
        let mapped_before = std::mem::take(&mut self.faults[index].mapped_before);
        self.bytes -= mapped_before.len() * size_of::<VirtAddr>();
        let bytes = size_of::<FrameBytes>() + served.unasked.len() * size_of::<VirtAddr>();
        if self.keep(bytes) {
            self.faults[index].served = Some(served);
        } else {
            self.missed += 1;
        }
    }

    /// Makes room for so many bytes; false if there is none.
    fn keep(&mut self, bytes: usize) -> bool {
        let is_room = self.bytes + bytes <= MAX_BYTES;
        if is_room {
            self.bytes += bytes;
        }
        is_room
    }

    fn range_at(&self, root: Root, page: VirtAddr) -> Option<Range<VirtAddr>> {
        let mut ranges = self.ranges.iter();
        let range = ranges.find(|range| range.root == root && range.pages.contains(&page))?;
        Some(range.pages.clone())
    }
}
