//! The word with which a program shows that what is printed comes from it: see [`abi::nonce`].

use std::fmt;

use abi::nonce::{DIGITS, LINE_PREFIX, VARIABLE};

use crate::draws::{Draws, splitmix64};

/// A word that a program is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nonce(u64);

/// What is wrong with a first line. The words are not told: they differ from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// There is no line with a word.
    Missing,
    /// The word in it is not the one that the program was given, or not transformed as it must be.
    OtherWord,
}

impl fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Wrong::Missing => "no such line",
            Wrong::OtherWord => "a line with something else in the place of the word",
        })
    }
}

impl Nonce {
    pub(super) fn draw(draws: &mut Draws) -> Nonce {
        Nonce(draws.next())
    }

    /// The setting in the program's environment.
    pub(super) fn setting(&self) -> String {
        format!("{VARIABLE}={:0DIGITS$x}", self.0)
    }

    /// Whether what was printed begins with the line that it must begin with, and what is left without it.
    pub(super) fn take_line<'a>(&self, printed: &'a [u8]) -> (Result<(), Wrong>, &'a [u8]) {
        let Some(behind) = printed.strip_prefix(LINE_PREFIX.as_bytes()) else {
            return (Err(Wrong::Missing), printed);
        };
        let end = behind.iter().position(|byte| *byte == b'\n');
        let (word, rest) = match end {
            Some(end) => (&behind[..end], &behind[end + 1..]),
            None => (behind, &[][..]),
        };
        if end.is_some() && word == format!("{:0DIGITS$x}", self.transformed()).as_bytes() {
            (Ok(()), rest)
        } else {
            (Err(Wrong::OtherWord), rest)
        }
    }

    fn transformed(mut self) -> u64 {
        splitmix64(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use abi::nonce::INCREMENT;

    use super::*;

    #[test]
    fn the_transformation_is_splitmix64s() {
        // The first two numbers of the generator that begins with 0: its state is 0 and then the increment.
        assert_eq!(Nonce(0).transformed(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(Nonce(INCREMENT).transformed(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn a_word_that_is_missing_repeated_untransformed_or_cut_is_told_and_the_rest_is_the_output() {
        let nonce = Nonce(0);
        assert_eq!(
            nonce.take_line(b"nonce e220a8397b1dcdaf\nx\n"),
            (Ok(()), &b"x\n"[..])
        );
        assert_eq!(nonce.take_line(b"x\n"), (Err(Wrong::Missing), &b"x\n"[..]));
        assert_eq!(nonce.take_line(b""), (Err(Wrong::Missing), &b""[..]));
        for wrong in [
            "nonce 0000000000000000\nx\n",
            "nonce e220a8397b1dcdaf \nx\n",
            "nonce \nx\n",
        ] {
            assert_eq!(
                nonce.take_line(wrong.as_bytes()),
                (Err(Wrong::OtherWord), &b"x\n"[..])
            );
        }
        let cut = nonce.take_line(b"nonce e220a8397b1dcdaf");
        assert_eq!(cut, (Err(Wrong::OtherWord), &b""[..]));
    }
}
