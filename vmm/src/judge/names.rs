//! Stable names for frames: the first one that a report mentions is `frame A`. Which frames a kernel picks differs from
//! build to build; which of them are the same does not.

use std::collections::HashMap;

use crate::address::FrameNumber;

#[derive(Debug, Default)]
pub(super) struct Names {
    frames: HashMap<FrameNumber, usize>,
}

impl Names {
    /// The name of a frame, given at its first mention.
    pub(super) fn frame(&mut self, frame: FrameNumber) -> String {
        let next = self.frames.len();
        format!("frame {}", letters(*self.frames.entry(frame).or_insert(next)))
    }
}

/// A, B, ... Z, AA, AB, ...
fn letters(index: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(index % 26).expect("less than 26"));
    match index / 26 {
        0 => letter.to_string(),
        more => format!("{}{letter}", letters(more - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_keeps_its_name() {
        let mut names = Names::default();
        assert_eq!(names.frame(FrameNumber(77)), "frame A");
        assert_eq!(names.frame(FrameNumber(3)), "frame B");
        assert_eq!(names.frame(FrameNumber(77)), "frame A");
    }

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!(
            ["Z", "AA", "AZ", "BA"],
            [25, 26, 51, 52].map(letters).each_ref().map(String::as_str)
        );
    }
}
