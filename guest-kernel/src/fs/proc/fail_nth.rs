//! `/proc/self/fail-nth`: a decimal number, as [`crate::mm::fault_injection`] has it. It is that of the process that reads or writes,
//! whoever opened the file.

use super::super::operations::{FileOperations, Status};
use super::super::{OpenFile, pieces, seek};
use crate::errno::Errno;
use crate::mm::{UserSlice, fault_injection};
use crate::process;

/// Digits of the largest number.
const MAX_DIGITS: usize = 10;
/// Longest text: the number and a newline.
const MAX_TEXT_BYTES: usize = MAX_DIGITS + 1;

#[derive(Debug)]
pub(super) struct FailNth;

impl FileOperations for FailNth {
    fn read(&self, _: &OpenFile, position: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        let mut text = [0; MAX_TEXT_BYTES];
        let len = text_of(fault_injection::left(), &mut text);
        pieces::read_contents(position, to, &text[..len])
    }

    /// All of it at once, wherever pages begin: half a number is another number.
    fn write(&self, _: &OpenFile, position: &mut u64, from: UserSlice) -> Result<u64, Errno> {
        let mut text = [0; MAX_TEXT_BYTES];
        let text = text.get_mut(..from.len()).ok_or(Errno::EINVAL)?;
        process::copy_in(from, text)?;
        fault_injection::fail_nth(parse(text)?);
        *position += text.len() as u64;
        Ok(text.len() as u64)
    }

    fn seek(&self, file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
        seek::in_text(file, offset, whence)
    }

    fn status(&self) -> Status {
        Status::regular(0o600, 0)
    }
}

/// The number in a text, which may end with a newline. EINVAL for anything else.
fn parse(text: &[u8]) -> Result<u32, Errno> {
    let digits = text.strip_suffix(b"\n").unwrap_or(text);
    // A sign would be taken for part of the number.
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Errno::EINVAL);
    }
    let digits = core::str::from_utf8(digits).map_err(|_| Errno::EINVAL)?;
    digits.parse().map_err(|_| Errno::EINVAL)
}

/// The text for a number, without the help of the heap, which would count. Gives how long it is.
fn text_of(number: u32, into: &mut [u8; MAX_TEXT_BYTES]) -> usize {
    let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
    let mut rest = number;
    for digit in into[..digits].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    into[digits] = b'\n';
    digits + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: u32) -> String {
        let mut text = [0; MAX_TEXT_BYTES];
        let len = text_of(number, &mut text);
        String::from_utf8(text[..len].to_vec()).unwrap()
    }

    #[test]
    fn what_is_written_can_be_read() {
        for number in [0, 1, 9, 10, 1234, u32::MAX] {
            assert_eq!(text(number), format!("{number}\n"));
            assert_eq!(parse(text(number).as_bytes()), Ok(number));
        }
        assert_eq!(parse(b"7"), Ok(7));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "\n", "-1", "+1", "1 ", "1\n\n", "0x10", "4294967296"] {
            assert_eq!(parse(text.as_bytes()), Err(Errno::EINVAL), "{text:?}");
        }
    }
}
