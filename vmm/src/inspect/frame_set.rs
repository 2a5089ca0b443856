//! A set of frames: one bit for each frame of guest memory.

use std::ops::Range;

use crate::address::FrameNumber;

const WORD_BITS: u64 = u64::BITS as u64;

/// Set of frames below a fixed limit. Frames past the limit are never members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameSet {
    words: Vec<u64>,
    frames: u64,
}

impl FrameSet {
    /// The empty set of frames below `frames`.
    #[must_use]
    pub fn new(frames: u64) -> Self {
        let words = usize::try_from(frames.div_ceil(WORD_BITS)).expect("guest memory fits in the host's");
        Self {
            words: vec![0; words],
            frames,
        }
    }

    /// Adds a frame. True if it was not a member before; false for a frame past the limit.
    pub fn insert(&mut self, frame: FrameNumber) -> bool {
        let bit = 1 << (frame.0 % WORD_BITS);
        match self.word_of(frame) {
            Some(word) => {
                let is_new = *word & bit == 0;
                *word |= bit;
                is_new
            }
            None => false,
        }
    }

    /// Adds the frames of a range, as far as they lie below the limit.
    pub fn insert_range(&mut self, range: Range<FrameNumber>) {
        let end = range.end.0.min(self.frames);
        let mut frame = range.start.0;
        while frame < end {
            let first_bit = frame % WORD_BITS;
            let bits = (WORD_BITS - first_bit).min(end - frame);
            if let Some(word) = self.word_of(FrameNumber(frame)) {
                *word |= (u64::MAX >> (WORD_BITS - bits)) << first_bit;
            }
            frame += bits;
        }
    }

    /// Adds the frames whose bits are set in `bitmap`: bit `n % 64` of word `n / 64` stands for frame `n`.
    pub fn insert_bitmap(&mut self, bitmap: &[u64]) {
        for (word, new) in self.words.iter_mut().zip(bitmap) {
            *word |= new;
        }
        let spare_bits = self.words.len() as u64 * WORD_BITS - self.frames;
        if let Some(last) = self.words.last_mut() {
            *last &= u64::MAX >> spare_bits;
        }
    }

    /// The set as a bitmap: bit `n % 64` of word `n / 64` stands for frame `n`.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Whether the frame is a member.
    #[must_use]
    pub fn contains(&self, frame: FrameNumber) -> bool {
        usize::try_from(frame.0 / WORD_BITS)
            .ok()
            .and_then(|index| self.words.get(index))
            .is_some_and(|word| word & (1 << (frame.0 % WORD_BITS)) != 0)
    }

    /// Removes every frame.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Members in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = FrameNumber> + '_ {
        members(self.words.iter().copied())
    }

    /// Members in ascending order, those that follow each other together.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<FrameNumber>> {
        let mut ranges: Vec<Range<FrameNumber>> = Vec::new();
        for frame in self.iter() {
            let next = FrameNumber(frame.0 + 1);
            match ranges.last_mut() {
                Some(last) if last.end == frame => last.end = next,
                Some(_) | None => ranges.push(frame..next),
            }
        }
        ranges
    }

    /// Members of both sets, in ascending order.
    pub fn intersection<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = FrameNumber> + 'a {
        members(self.words.iter().zip(&other.words).map(|(a, b)| a & b))
    }

    fn word_of(&mut self, frame: FrameNumber) -> Option<&mut u64> {
        if frame.0 >= self.frames {
            return None;
        }
        usize::try_from(frame.0 / WORD_BITS)
            .ok()
            .and_then(|index| self.words.get_mut(index))
    }
}

fn members(words: impl Iterator<Item = u64>) -> impl Iterator<Item = FrameNumber> {
    words.zip(0u64..).flat_map(|(mut word, index)| {
        std::iter::from_fn(move || {
            let bit = (word != 0).then(|| word.trailing_zeros())?;
            word &= word - 1;
            Some(FrameNumber(index * WORD_BITS + u64::from(bit)))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(frames: u64, members: &[u64]) -> FrameSet {
        let mut set = FrameSet::new(frames);
        for &frame in members {
            assert!(set.insert(FrameNumber(frame)));
        }
        set
    }

    #[test]
    fn a_range_adds_what_adding_one_frame_at_a_time_adds() {
        for (start, end) in [
            (0, 0),
            (0, 1),
            (3, 64),
            (63, 65),
            (64, 128),
            (5, 200),
            (190, 1 << 40),
            (300, 310),
        ] {
            let mut by_range = FrameSet::new(200);
            by_range.insert_range(FrameNumber(start)..FrameNumber(end));
            let members: Vec<_> = (start..end.min(200)).collect();
            assert_eq!(by_range, set(200, &members), "{start}..{end}");
        }
    }

    #[test]
    fn members_come_in_ascending_order() {
        let set = set(200, &[199, 0, 64, 63, 128]);
        let members: Vec<_> = set.iter().map(|frame| frame.0).collect();
        assert_eq!(members, [0, 63, 64, 128, 199]);
    }

    #[test]
    fn frames_past_the_limit_are_refused_from_every_side() {
        let mut set = FrameSet::new(70);
        assert!(!set.insert(FrameNumber(70)));
        assert!(!set.insert(FrameNumber(u64::MAX)));
        set.insert_bitmap(&[0, u64::MAX, u64::MAX]);
        let members: Vec<_> = set.iter().map(|frame| frame.0).collect();
        assert_eq!(members, [64, 65, 66, 67, 68, 69]);
        assert!(!set.contains(FrameNumber(u64::MAX)));
    }

    #[test]
    fn a_frame_is_new_once() {
        let mut set = FrameSet::new(10);
        assert!(set.insert(FrameNumber(3)));
        assert!(!set.insert(FrameNumber(3)));
        set.clear();
        assert!(set.insert(FrameNumber(3)));
    }

    #[test]
    fn the_intersection_holds_what_is_in_both() {
        let both: Vec<_> = set(100, &[1, 70, 80])
            .intersection(&set(100, &[1, 2, 80]))
            .map(|frame| frame.0)
            .collect();
        assert_eq!(both, [1, 80]);
    }
}
