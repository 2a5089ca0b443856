//! Arguments of requests: words in the caller's memory, and ranges that are checked.

use abi::PAGE_SIZE;

use crate::errno::Errno;
use crate::mm::{PageRange, UserSlice, VirtAddr, layout};
use crate::process;

/// Most words that a request has.
const MAX_WORDS: usize = 5;

/// Copies words in.
pub(super) fn words<const COUNT: usize>(address: u64) -> Result<[u64; COUNT], Errno> {
    const { assert!(COUNT <= MAX_WORDS) };
    let mut bytes = [0; 8 * MAX_WORDS];
    let bytes = &mut bytes[..8 * COUNT];
    process::copy_in(UserSlice::new(address, bytes.len() as u64)?, bytes)?;
    let mut words = [0; COUNT];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    Ok(words)
}

/// Copies a word out, to the word of that index.
pub(super) fn answer(address: u64, index: u64, word: u64) -> Result<(), Errno> {
    let at = address.checked_add(8 * index).ok_or(Errno::EFAULT)?;
    process::copy_out(UserSlice::new(at, 8)?, &word.to_le_bytes())
}

/// Whole pages, some, where programs can have memory; EINVAL otherwise.
pub(super) fn range(start: u64, bytes: u64) -> Result<PageRange, Errno> {
    if !start.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    if start < layout::LOWEST.as_u64() {
        return Err(Errno::EINVAL);
    }
    check_bytes(start, bytes)?;
    PageRange::from_length(VirtAddr::new(start), bytes).ok_or(Errno::EINVAL)
}

/// As [`range`], from any address, at which there may be nothing.
pub(super) fn check_bytes(start: u64, bytes: u64) -> Result<(), Errno> {
    let is_memory = start < layout::TASK_END.as_u64();
    let is_some = bytes > 0 && bytes.is_multiple_of(PAGE_SIZE);
    if is_memory && is_some && bytes <= layout::TASK_END.as_u64() - start {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}
