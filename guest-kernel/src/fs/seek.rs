//! Where lseek goes: the usual ways, for operations to choose from.

use abi::linux::syscall::{SEEK_CUR, SEEK_END, SEEK_SET};

use super::OpenFile;
use crate::errno::Errno;

/// In a file of that length.
pub(crate) fn in_length(file: &OpenFile, offset: i64, whence: u32, len_bytes: u64) -> Result<u64, Errno> {
    match whence {
        SEEK_END => step(len_bytes, offset),
        _ => in_text(file, offset, whence),
    }
}

/// In a file whose end is not known before it is read.
pub(super) fn in_text(file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
    match whence {
        SEEK_SET => step(0, offset),
        SEEK_CUR => step(file.position(), offset),
        _ => Err(Errno::EINVAL),
    }
}

/// In a file whose positions stand for addresses, which may lie in the upper half: they wrap.
pub(super) fn in_addresses(file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
    match whence {
        SEEK_SET => Ok(offset.cast_unsigned()),
        SEEK_CUR => Ok(file.position().wrapping_add_signed(offset)),
        _ => Err(Errno::EINVAL),
    }
}

/// Positions are not negative, as C has them.
fn step(from: u64, offset: i64) -> Result<u64, Errno> {
    from.checked_add_signed(offset)
        .filter(|position| i64::try_from(*position).is_ok())
        .ok_or(Errno::EINVAL)
}
