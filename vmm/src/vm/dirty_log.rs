//! Which frames were written, for several readers.
//!
//! KVM forgets what it has told, so its log has one reader, this one. It writes down when each frame was seen to be written, and
//! whoever wants to know what was written since it looked last keeps a [`DirtyCursor`].

use crate::address::FrameNumber;
use crate::inspect::FrameSet;

/// How far a reader has read. A new one has read nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirtyCursor(u64);

/// When each frame was seen to be written last.
#[derive(Debug)]
pub(super) struct DirtyLog {
    /// Readings of KVM's log so far.
    now: u64,
    /// By frame: the reading that last had it, from 1 on; 0 for none.
    written_at: Vec<u64>,
}

impl DirtyLog {
    pub(super) fn new(frames: u64) -> DirtyLog {
        DirtyLog {
            now: 0,
            written_at: vec![0; usize::try_from(frames).expect("guest memory fits in the host's")],
        }
    }

    /// Adds a reading: bit `n % 64` of word `n / 64` stands for frame `n`.
    pub(super) fn add(&mut self, words: &[u64]) {
        self.now += 1;
        for (word, frames) in words.iter().zip(self.written_at.chunks_mut(64)) {
            let mut rest = *word;
            while rest != 0 {
                if let Some(frame) = frames.get_mut(rest.trailing_zeros() as usize) {
                    *frame = self.now;
                }
                rest &= rest - 1;
            }
        }
    }

    /// Frames that were written since the reader with this cursor looked last.
    pub(super) fn since(&self, cursor: &mut DirtyCursor) -> FrameSet {
        let mut frames = FrameSet::new(self.written_at.len() as u64);
        let seen = std::mem::replace(cursor, DirtyCursor(self.now));
        for (frame, _) in (0..).zip(&self.written_at).filter(|(_, at)| **at > seen.0) {
            frames.insert(FrameNumber(frame));
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(frames: &FrameSet) -> Vec<u64> {
        frames.iter().map(|frame| frame.0).collect()
    }

    #[test]
    fn each_reader_gets_what_was_written_since_it_looked_last() {
        let mut log = DirtyLog::new(70);
        let (mut often, mut seldom) = (DirtyCursor::default(), DirtyCursor::default());
        log.add(&[0b101, 0b10]);
        assert_eq!(numbers(&log.since(&mut often)), [0, 2, 65]);
        log.add(&[0b100, 0]);
        assert_eq!(numbers(&log.since(&mut often)), [2]);
        assert_eq!(numbers(&log.since(&mut often)), [] as [u64; 0]);
        assert_eq!(numbers(&log.since(&mut seldom)), [0, 2, 65]);
    }

    #[test]
    fn bits_past_the_last_frame_are_none() {
        let mut log = DirtyLog::new(3);
        log.add(&[u64::MAX, u64::MAX]);
        assert_eq!(numbers(&log.since(&mut DirtyCursor::default())), [0, 1, 2]);
    }
}
