//! Which frames changed since the last checkpoint.
//!
//! A frame changed if the dirty log says that it was written *and* its contents differ. Hardware over-reports writes,
//! so the log alone would differ between machines; contents alone would mean reading all of memory each time. The
//! conjunction is the same everywhere. It also means that writing a frame's old contents again is no change.
//!
//! **Invariant:** contents are compared by a 64-bit hash under a random key, so no guest can aim at a collision.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::memory::FrameBytes;
use super::{FrameSet, PhysicalMemory};
use crate::address::FrameNumber;

/// Contents of all frames as of the last checkpoint, and which frames were written since.
#[derive(Clone, Debug)]
pub struct DirtyTracker {
    key: RandomState,
    hashes: Vec<u64>,
    written: FrameSet,
}

impl DirtyTracker {
    /// A tracker for guest memory that is all zero, as it is before anything was loaded into it.
    #[must_use]
    pub fn new(frames: u64) -> Self {
        let key = RandomState::new();
        let len = usize::try_from(frames).expect("guest memory fits in the host's");
        let zero = key.hash_one(FrameBytes::zeroed().0.as_slice());
        Self {
            key,
            hashes: vec![zero; len],
            written: FrameSet::new(frames),
        }
    }

    /// Adds what KVM_GET_DIRTY_LOG reported for memory from frame 0 on: bit `n % 64` of word `n / 64` stands for frame `n`.
    pub fn record(&mut self, bitmap: &[u64]) {
        self.written.insert_bitmap(bitmap);
    }

    /// Adds frames that the VMM itself wrote, which KVM's log does not hold.
    pub fn record_range(&mut self, frames: Range<FrameNumber>) {
        self.written.insert_range(frames);
    }

    /// Frames whose contents differ from the last checkpoint's, in ascending order.
    #[must_use]
    pub fn changed(&self, memory: PhysicalMemory<'_>) -> Vec<FrameNumber> {
        self.differing(memory).map(|(frame, _)| frame).collect()
    }

    /// Whether `is` holds now what `was` held at the last checkpoint. Not so where one of them is in a hole of guest memory.
    #[must_use]
    pub fn held(&self, was: FrameNumber, is: FrameNumber, memory: PhysicalMemory<'_>) -> bool {
        let mut contents = FrameBytes::zeroed();
        let recorded = usize::try_from(was.0)
            .ok()
            .and_then(|index| self.hashes.get(index));
        memory.copy_frame(is, &mut contents).is_ok()
            && recorded == Some(&self.key.hash_one(contents.0.as_slice()))
    }

    /// Makes the present contents those that later ones are compared with.
    pub fn checkpoint(&mut self, memory: PhysicalMemory<'_>) {
        let differing: Vec<_> = self.differing(memory).collect();
        for (frame, hash) in differing {
            if let Some(recorded) = usize::try_from(frame.0)
                .ok()
                .and_then(|index| self.hashes.get_mut(index))
            {
                *recorded = hash;
            }
        }
        self.written.clear();
    }

    fn differing<'a>(&'a self, memory: PhysicalMemory<'a>) -> impl Iterator<Item = (FrameNumber, u64)> + 'a {
        let mut contents = FrameBytes::zeroed();
        self.written.iter().filter_map(move |frame| {
            // A frame in a hole of guest memory has no contents to change.
            memory.copy_frame(frame, &mut contents).ok()?;
            let hash = self.key.hash_one(contents.0.as_slice());
            let recorded = *self.hashes.get(usize::try_from(frame.0).ok()?)?;
            (hash != recorded).then_some((frame, hash))
        })
    }
}
