//! Operations on memory, by the addresses that the VMM gives.
#![allow(unsafe_code, reason = "the VMM gives addresses as numbers")]

use core::ffi::CStr;

use abi::doorbell::MAX_TRANSFER_BYTES;
use abi::linux::errno::{EINVAL, ENAMETOOLONG};
use abi::linux::mman::{MAP_SHARED, MAP_TYPE, PROT_WRITE};
use abi::linux::syscall::{O_RDONLY, O_RDWR};
use guest_user::Span;
use guest_user::syscall::{Errno, file, memory};

use crate::transport::Transport;

const WORD_BYTES: u64 = size_of::<u64>() as u64;
/// Longest path of a file to map, with its NUL.
const MAX_PATH_BYTES: usize = 128;

pub(crate) fn mmap(transport: &mut impl Transport) -> Result<u64, Errno> {
    let address = transport.argument(0);
    let len_bytes = transport.argument(1);
    let prot = transport.argument(2);
    let flags = transport.argument(3);
    let offset = transport.argument(4);
    // SAFETY: the VMM orders no mapping over the agent's own memory.
    unsafe { memory::mmap(address, len_bytes, prot, flags, memory::NO_FILE, offset) }
}

/// Kept out of line, so that the buffer takes stack only here.
#[inline(never)]
pub(crate) fn mmap_file(transport: &mut impl Transport) -> Result<u64, Errno> {
    let path_bytes = transport.argument(0);
    let [offset, address, len_bytes, prot, flags] = [1, 2, 3, 4, 5].map(|index| transport.argument(index));
    let mut path = [0; MAX_PATH_BYTES];
    if path_bytes > MAX_PATH_BYTES as u64 {
        return Err(Errno(ENAMETOOLONG));
    }
    for chunk in path[..path_bytes as usize].chunks_mut(size_of::<u64>()) {
        chunk.copy_from_slice(&transport.payload().to_le_bytes()[..chunk.len()]);
    }
    let path = CStr::from_bytes_until_nul(&path).map_err(|_| Errno(EINVAL))?;
    let writes_through = flags & MAP_TYPE == MAP_SHARED && prot & PROT_WRITE != 0;
    let fd = file::open(path, if writes_through { O_RDWR } else { O_RDONLY })?;
    // SAFETY: as in `mmap`.
    let mapped = unsafe { memory::mmap(address, len_bytes, prot, flags, fd, offset) };
    file::close(fd)?;
    mapped
}

pub(crate) fn munmap(transport: &mut impl Transport) -> Result<u64, Errno> {
    target(transport).unmap()
}

pub(crate) fn mprotect(transport: &mut impl Transport) -> Result<u64, Errno> {
    let span = target(transport);
    span.protect(transport.argument(2))
}

pub(crate) fn madvise(transport: &mut impl Transport) -> Result<u64, Errno> {
    let span = target(transport);
    span.advise(transport.argument(2))
}

pub(crate) fn brk(transport: &mut impl Transport) -> u64 {
    memory::brk(transport.argument(0))
}

pub(crate) fn read(transport: &mut impl Transport) -> Result<u64, Errno> {
    let span = transferable(target(transport))?;
    for offset in (0..span.len_bytes()).step_by(WORD_BYTES as usize) {
        let count = (span.len_bytes() - offset).min(WORD_BYTES);
        let mut word = [0; WORD_BYTES as usize];
        for (position, byte) in word.iter_mut().take(count as usize).enumerate() {
            *byte = span.load(offset + position as u64);
        }
        transport.data(&word[..count as usize]);
    }
    Ok(span.len_bytes())
}

pub(crate) fn write(transport: &mut impl Transport) -> Result<u64, Errno> {
    let span = transferable(target(transport))?;
    for offset in (0..span.len_bytes()).step_by(WORD_BYTES as usize) {
        let count = (span.len_bytes() - offset).min(WORD_BYTES);
        let word = transport.payload().to_le_bytes();
        for (position, byte) in word.iter().take(count as usize).enumerate() {
            span.store(offset + position as u64, *byte);
        }
    }
    Ok(span.len_bytes())
}

pub(crate) fn fill(transport: &mut impl Transport) -> u64 {
    let span = target(transport);
    let byte = transport.argument(2) as u8;
    for offset in 0..span.len_bytes() {
        span.store(offset, byte);
    }
    span.len_bytes()
}

/// The memory that arguments 0 (address) and 1 (length in bytes) name.
pub(crate) fn target(transport: &mut impl Transport) -> Span {
    let address = transport.argument(0);
    let len_bytes = transport.argument(1);
    // SAFETY: the VMM names memory that it mapped through operations, the break, or addresses to fault on; never the
    // agent's own.
    unsafe { Span::at(address, len_bytes) }
}

/// The span, if its contents fit in one message.
pub(crate) fn transferable(span: Span) -> Result<Span, Errno> {
    if span.len_bytes() > MAX_TRANSFER_BYTES {
        Err(Errno(EINVAL))
    } else {
        Ok(span)
    }
}
