//! Which memory the kernel may hand out: what the memory map calls RAM, less what is in use already.

use abi::PAGE_SIZE;

use super::super::address::FrameNumber;

/// A memory map with more pieces than this is cut short; what does not fit is not used.
const MAX_RANGES: usize = 16;

/// Frames from `start` up to but without `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameRange {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl FrameRange {
    /// Frames that lie wholly inside the bytes.
    fn inside(start: u64, end: u64) -> Self {
        Self {
            start: start.div_ceil(PAGE_SIZE) as u32,
            end: (end / PAGE_SIZE) as u32,
        }
    }

    /// Frames that hold at least one of the bytes.
    pub(crate) fn touching(start: u64, end: u64) -> Self {
        Self {
            start: (start / PAGE_SIZE) as u32,
            end: end.div_ceil(PAGE_SIZE) as u32,
        }
    }

    pub(super) fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    pub(super) fn indices(self) -> core::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Ranges of frames that nobody uses, in the order in which they were added.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UsableMemory {
    ranges: [FrameRange; MAX_RANGES],
    count: usize,
    /// End of the highest RAM that was added.
    end: u32,
}

impl UsableMemory {
    /// Adds RAM, given in bytes; parts of a frame do not count, nor does what lies above `limit`.
    pub(crate) fn add_ram(&mut self, start: u64, end: u64, limit: u64) {
        let range = FrameRange::inside(start.min(limit), end.min(limit));
        if range.len() > 0 {
            self.end = self.end.max(range.end);
            self.push(range);
        }
    }

    /// Takes out what is in use, given in bytes.
    pub(crate) fn remove(&mut self, start: u64, end: u64) {
        self.remove_frames(FrameRange::touching(start, end));
    }

    fn remove_frames(&mut self, used: FrameRange) {
        for index in 0..self.count {
            let range = self.ranges[index];
            if range.start >= used.end || used.start >= range.end {
                continue;
            }
            let above = FrameRange {
                start: used.end.max(range.start),
                end: range.end,
            };
            self.ranges[index].end = used.start.max(range.start);
            if above.len() > 0 {
                self.push(above);
            }
        }
    }

    fn push(&mut self, range: FrameRange) {
        if let Some(slot) = self.ranges.get_mut(self.count) {
            *slot = range;
            self.count += 1;
        }
    }

    /// Number of frames from 0 to the end of RAM, holes included.
    pub(crate) fn frames_to_end(&self) -> usize {
        self.end as usize
    }

    /// Takes `count` frames in a row.
    pub(super) fn take(&mut self, count: u32) -> Option<FrameNumber> {
        let range = self.ranges[..self.count]
            .iter_mut()
            .find(|range| range.len() >= count)?;
        let first = range.start;
        range.start += count;
        Some(FrameNumber::new(first))
    }

    pub(super) fn ranges(&self) -> &[FrameRange] {
        &self.ranges[..self.count]
    }

    pub(super) fn remaining(&self) -> u32 {
        self.ranges().iter().map(|range| range.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameNumber, FrameRange, UsableMemory};

    const MIB: u64 = 1 << 20;

    fn usable(memory: &UsableMemory) -> Vec<FrameRange> {
        let mut ranges: Vec<_> = memory
            .ranges()
            .iter()
            .copied()
            .filter(|range| range.len() > 0)
            .collect();
        ranges.sort_by_key(|range| range.start);
        ranges
    }

    #[test]
    fn what_is_in_use_is_cut_out_of_ram() {
        let mut memory = UsableMemory::default();
        memory.add_ram(0, 4 * MIB, 1024 * MIB);
        memory.remove(0, 1);
        memory.remove(2 * MIB, 2 * MIB + 5000);
        assert_eq!(
            usable(&memory),
            [
                FrameRange { start: 1, end: 512 },
                FrameRange {
                    start: 514,
                    end: 1024
                }
            ]
        );
        assert_eq!(memory.frames_to_end(), 1024);
    }

    #[test]
    fn parts_of_frames_and_memory_above_the_limit_are_not_used() {
        let mut memory = UsableMemory::default();
        memory.add_ram(100, 0x9fc00, 16 * MIB);
        memory.add_ram(8 * MIB, 32 * MIB, 16 * MIB);
        assert_eq!(
            usable(&memory),
            [
                FrameRange { start: 1, end: 0x9f },
                FrameRange {
                    start: 2048,
                    end: 4096
                }
            ]
        );
    }

    #[test]
    fn frames_in_a_row_never_cross_a_hole() {
        let mut memory = UsableMemory::default();
        memory.add_ram(0, 3 * 4096, MIB);
        memory.add_ram(8 * 4096, 16 * 4096, MIB);
        assert_eq!(memory.take(4).map(FrameNumber::as_u32), Some(8));
        assert_eq!(memory.take(3).map(FrameNumber::as_u32), Some(0));
        assert_eq!(memory.take(5), None);
        assert_eq!(memory.remaining(), 4);
    }
}
