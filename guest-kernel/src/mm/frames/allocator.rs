//! The frame allocator: pure bookkeeping on a frame table, whatever memory it describes.
//!
//! Frames that were never used are taken from ranges that only shrink, so that nothing has to be set up for them at boot.
//! Frames that came back are on one of two lists, by what is known of their contents. A list is linked through the table:
//! a free frame's `kind` and `private` fields hold the number of the next one, because they mean nothing while
//! `references` is 0. Frame 0 is never handed out, and as a link it ends the list.

use abi::frame_table::FrameInfo;

use super::super::address::FrameNumber;
use super::usable::{FrameRange, UsableMemory};
use super::{FrameKind, OutOfMemory};

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// Zeros.
    Zeroed,
    /// Whatever its last owner left.
    Stale,
}

pub(super) struct FrameAllocator<'t> {
    table: &'t mut [FrameInfo],
    never_used: UsableMemory,
    never_used_contents: Contents,
    zeroed: FreeList,
    stale: FreeList,
}

#[derive(Default)]
struct FreeList {
    /// 0: the list is empty.
    first: u32,
    len: u32,
}

impl<'t> FrameAllocator<'t> {
    /// `table` must be zero. What is not `usable` is what `others` say, or else reserved.
    pub(super) fn new(
        table: &'t mut [FrameInfo],
        usable: UsableMemory,
        never_used_contents: Contents,
        others: &[(FrameRange, FrameKind)],
    ) -> Self {
        let mut allocator = Self {
            table,
            never_used: usable,
            never_used_contents,
            zeroed: FreeList::default(),
            stale: FreeList::default(),
        };
        allocator.reserve_gaps(others);
        for &(range, kind) in others {
            allocator.describe(range, kind);
        }
        allocator
    }

    fn reserve_gaps(&mut self, others: &[(FrameRange, FrameKind)]) {
        let mut gap_start = 0;
        while (gap_start as usize) < self.table.len() {
            let others = others.iter().map(|&(range, _)| range);
            let next = self.never_used.ranges().iter().copied().chain(others);
            let next = next
                .filter(|range| range.len() > 0 && range.start >= gap_start)
                .min_by_key(|range| range.start);
            let next = next.unwrap_or(FrameRange {
                start: self.table.len() as u32,
                end: self.table.len() as u32,
            });
            self.describe(
                FrameRange {
                    start: gap_start,
                    end: next.start,
                },
                FrameKind::Reserved,
            );
            gap_start = next.end.max(gap_start);
        }
    }

    /// Says what frames that are not usable hold, and gives each one reference.
    fn describe(&mut self, range: FrameRange, kind: FrameKind) {
        let info = FrameInfo {
            references: 1,
            kind: kind as u16,
            private: 0,
        };
        fill(&mut self.table[range.indices()], info);
    }

    /// Takes a free frame, with the contents that were wished for if one is at hand.
    pub(super) fn take(
        &mut self,
        kind: FrameKind,
        wish: Contents,
    ) -> Result<(FrameNumber, Contents), OutOfMemory> {
        let (frame, contents) = match wish {
            Contents::Zeroed => self.pop_zeroed().or_else(|| self.pop_stale()),
            Contents::Stale => self.pop_stale().or_else(|| self.pop_zeroed()),
        }
        .or_else(|| Some((self.never_used.take(1)?, self.never_used_contents)))
        .ok_or(OutOfMemory)?;
        self.table[frame.index()] = FrameInfo {
            references: 1,
            kind: kind as u16,
            private: 0,
        };
        Ok((frame, contents))
    }

    fn pop_zeroed(&mut self) -> Option<(FrameNumber, Contents)> {
        Some((pop(&mut self.zeroed, self.table)?, Contents::Zeroed))
    }

    fn pop_stale(&mut self) -> Option<(FrameNumber, Contents)> {
        Some((pop(&mut self.stale, self.table)?, Contents::Stale))
    }

    /// Takes `count` frames in a row, with one reference each and unknown contents.
    pub(super) fn take_contiguous(
        &mut self,
        kind: FrameKind,
        count: u32,
    ) -> Result<FrameNumber, OutOfMemory> {
        let first = match self.never_used.take(count) {
            Some(first) => first,
            None => self.take_contiguous_from_lists(count).ok_or(OutOfMemory)?,
        };
        self.describe(
            FrameRange {
                start: first.as_u32(),
                end: first.as_u32() + count,
            },
            kind,
        );
        Ok(first)
    }

    /// Searches the whole table, and filters the lists; only when memory that was never used runs short.
    fn take_contiguous_from_lists(&mut self, count: u32) -> Option<FrameNumber> {
        let mut run = 0;
        let end = (1..self.table.len() as u32).find(|&number| {
            run = if self.is_on_a_list(FrameNumber::new(number)) {
                run + 1
            } else {
                0
            };
            run == count
        })?;
        let range = FrameRange {
            start: end + 1 - count,
            end: end + 1,
        };
        remove_range(&mut self.zeroed, self.table, range);
        remove_range(&mut self.stale, self.table, range);
        Some(FrameNumber::new(range.start))
    }

    fn is_on_a_list(&self, frame: FrameNumber) -> bool {
        let number = frame.as_u32();
        self.table[frame.index()].references == 0
            && !self
                .never_used
                .ranges()
                .iter()
                .any(|range| range.start <= number && number < range.end)
    }

    pub(super) fn retain(&mut self, frame: FrameNumber) {
        let info = &mut self.table[frame.index()];
        assert!(
            info.references > 0,
            "frame {frame:?} gets a reference, but is free"
        );
        info.references += 1;
    }

    /// Gives one reference back. `left` is what the frame holds should it have been the last.
    pub(super) fn release(&mut self, frame: FrameNumber, left: Contents) {
        let info = &mut self.table[frame.index()];
        assert!(
            info.references > 0,
            "frame {frame:?} loses a reference, but is free"
        );
        info.references -= 1;
        if info.references == 0 {
            let list = match left {
                Contents::Zeroed => &mut self.zeroed,
                Contents::Stale => &mut self.stale,
            };
            push(list, self.table, frame);
        }
    }

    pub(super) fn info(&self, frame: FrameNumber) -> FrameInfo {
        self.table[frame.index()]
    }

    pub(super) fn private_mut(&mut self, frame: FrameNumber) -> &mut u16 {
        &mut self.table[frame.index()].private
    }

    /// Frames that could be taken now.
    pub(super) fn free_frames(&self) -> u32 {
        self.never_used.remaining() + self.zeroed.len + self.stale.len
    }

    /// Frames that the table describes.
    pub(super) fn frames(&self) -> usize {
        self.table.len()
    }

    /// The table itself, to say where it is.
    pub(super) fn table(&self) -> &[FrameInfo] {
        self.table
    }
}

/// As [`slice::fill`], by copies that double: these are one instruction for many entries, where a loop has some for each.
fn fill(entries: &mut [FrameInfo], info: FrameInfo) {
    let Some(first) = entries.first_mut() else {
        return;
    };
    *first = info;
    let mut filled = 1;
    while filled < entries.len() {
        let more = filled.min(entries.len() - filled);
        entries.copy_within(..more, filled);
        filled += more;
    }
}

fn push(list: &mut FreeList, table: &mut [FrameInfo], frame: FrameNumber) {
    set_next(&mut table[frame.index()], list.first);
    list.first = frame.as_u32();
    list.len += 1;
}

fn pop(list: &mut FreeList, table: &mut [FrameInfo]) -> Option<FrameNumber> {
    if list.first == 0 {
        return None;
    }
    let frame = FrameNumber::new(list.first);
    list.first = next(table[frame.index()]);
    list.len -= 1;
    Some(frame)
}

fn remove_range(list: &mut FreeList, table: &mut [FrameInfo], range: FrameRange) {
    let mut rest = core::mem::take(list);
    let mut kept_last: Option<FrameNumber> = None;
    while let Some(frame) = pop(&mut rest, table) {
        if range.start <= frame.as_u32() && frame.as_u32() < range.end {
            continue;
        }
        set_next(&mut table[frame.index()], 0);
        match kept_last {
            Some(last) => set_next(&mut table[last.index()], frame.as_u32()),
            None => list.first = frame.as_u32(),
        }
        list.len += 1;
        kept_last = Some(frame);
    }
}

fn next(info: FrameInfo) -> u32 {
    u32::from(info.kind) | u32::from(info.private) << 16
}

fn set_next(info: &mut FrameInfo, next: u32) {
    info.kind = next as u16;
    info.private = (next >> 16) as u16;
}

#[cfg(test)]
mod tests {
    use abi::frame_table::FrameInfo;

    use super::{Contents, FrameAllocator, FrameKind, FrameNumber, OutOfMemory, UsableMemory};

    fn allocator(table: &mut [FrameInfo]) -> FrameAllocator<'_> {
        let mut usable = UsableMemory::default();
        usable.add_ram(0, table.len() as u64 * 4096, 1 << 30);
        usable.remove(0, 4096);
        FrameAllocator::new(table, usable, Contents::Zeroed, &[])
    }

    fn take(allocator: &mut FrameAllocator<'_>) -> Result<(FrameNumber, Contents), OutOfMemory> {
        allocator.take(FrameKind::Anonymous, Contents::Zeroed)
    }

    #[test]
    fn memory_that_was_never_used_counts_as_zero_and_memory_that_came_back_does_not() {
        let mut table = [FrameInfo::default(); 4];
        let mut allocator = allocator(&mut table);
        let (first, contents) = take(&mut allocator).unwrap();
        assert_eq!(contents, Contents::Zeroed);
        allocator.release(first, Contents::Stale);
        assert_eq!(take(&mut allocator), Ok((first, Contents::Stale)));
    }

    #[test]
    fn each_entry_is_filled_whatever_their_number() {
        let info = FrameInfo {
            references: 1,
            kind: 2,
            private: 3,
        };
        for len in [0, 1, 2, 7, 64, 100] {
            let mut entries = vec![FrameInfo::default(); len];
            super::fill(&mut entries, info);
            assert!(entries.iter().all(|&entry| entry == info), "{len}");
        }
    }

    #[test]
    fn a_frame_comes_back_with_its_last_reference_only() {
        let mut table = [FrameInfo::default(); 3];
        let mut allocator = allocator(&mut table);
        let (frame, _) = take(&mut allocator).unwrap();
        allocator.retain(frame);
        allocator.release(frame, Contents::Stale);
        assert_eq!(allocator.info(frame).references, 1);
        assert_eq!(allocator.free_frames(), 1);
        allocator.release(frame, Contents::Stale);
        assert_eq!(allocator.free_frames(), 2);
    }

    #[test]
    fn when_every_frame_is_taken_the_next_one_is_refused() {
        let mut table = [FrameInfo::default(); 3];
        let mut allocator = allocator(&mut table);
        assert!(take(&mut allocator).is_ok());
        assert!(take(&mut allocator).is_ok());
        assert_eq!(take(&mut allocator), Err(OutOfMemory));
    }

    #[test]
    #[should_panic(expected = "loses a reference, but is free")]
    fn a_frame_that_is_freed_twice_panics() {
        let mut table = [FrameInfo::default(); 3];
        let mut allocator = allocator(&mut table);
        let (frame, _) = take(&mut allocator).unwrap();
        allocator.release(frame, Contents::Stale);
        allocator.release(frame, Contents::Stale);
    }

    #[test]
    fn frames_in_a_row_are_found_among_those_that_came_back() {
        let mut table = [FrameInfo::default(); 6];
        let mut allocator = allocator(&mut table);
        let frames: Vec<_> = (0..5).map(|_| take(&mut allocator).unwrap().0).collect();
        for &frame in [&frames[4], &frames[1], &frames[2]] {
            allocator.release(frame, Contents::Stale);
        }
        assert_eq!(allocator.take_contiguous(FrameKind::Heap, 2), Ok(frames[1]));
        assert_eq!(allocator.take_contiguous(FrameKind::Heap, 2), Err(OutOfMemory));
        assert_eq!(take(&mut allocator).unwrap().0, frames[4]);
    }

    #[test]
    fn frames_that_are_not_usable_are_reserved() {
        let mut table = [FrameInfo::default(); 3];
        let allocator = allocator(&mut table);
        assert_eq!(allocator.info(FrameNumber::new(0)).references, 1);
        assert_eq!(allocator.info(FrameNumber::new(1)).references, 0);
    }
}
