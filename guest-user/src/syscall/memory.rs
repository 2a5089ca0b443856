//! The address space, by plain addresses. [`crate::Span`] is the safe way to most of this.
#![allow(unsafe_code, reason = "system calls that change what addresses mean")]

use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;

/// File descriptor of a mapping without a file.
pub const NO_FILE: i32 = -1;

/// mmap(address, length, prot, flags, fd, offset): the address of the mapping.
///
/// # Safety
///
/// No Rust object lies where `flags` order the mapping to be.
pub unsafe fn mmap(
    address: u64,
    len_bytes: u64,
    prot: u64,
    flags: u64,
    fd: i32,
    offset_bytes: u64,
) -> Result<u64, Errno> {
    // SAFETY: the caller says that nothing of Rust's is replaced.
    unsafe {
        syscall(
            number::MMAP,
            [
                address,
                len_bytes,
                prot,
                flags,
                i64::from(fd) as u64,
                offset_bytes,
            ],
        )
    }
}

/// munmap(address, length)
///
/// # Safety
///
/// No Rust object lies in the range.
pub unsafe fn munmap(address: u64, len_bytes: u64) -> Result<u64, Errno> {
    // SAFETY: the caller says that nothing of Rust's goes away.
    unsafe { syscall(number::MUNMAP, [address, len_bytes]) }
}

/// mprotect(address, length, prot)
///
/// # Safety
///
/// No Rust object lies in the range.
pub unsafe fn mprotect(address: u64, len_bytes: u64, prot: u64) -> Result<u64, Errno> {
    // SAFETY: the caller says that nothing of Rust's loses its access.
    unsafe { syscall(number::MPROTECT, [address, len_bytes, prot]) }
}

/// madvise(address, length, advice)
///
/// # Safety
///
/// No Rust object lies in the range.
pub unsafe fn madvise(address: u64, len_bytes: u64, advice: u64) -> Result<u64, Errno> {
    // SAFETY: the caller says that nothing of Rust's loses its contents.
    unsafe { syscall(number::MADVISE, [address, len_bytes, advice]) }
}

/// mremap(address, old length, new length, flags, new address): the address of the mapping.
///
/// # Safety
///
/// No Rust object lies in the old range, nor where `flags` order the new one to be.
pub unsafe fn mremap(
    address: u64,
    old_bytes: u64,
    new_bytes: u64,
    flags: u64,
    new_address: u64,
) -> Result<u64, Errno> {
    // SAFETY: the caller says that nothing of Rust's goes away.
    unsafe {
        syscall(
            number::MREMAP,
            [address, old_bytes, new_bytes, flags, new_address],
        )
    }
}

/// mlock(address, length)
pub fn mlock(address: u64, len_bytes: u64) -> Result<u64, Errno> {
    // SAFETY: contents and access stay as they are.
    unsafe { syscall(number::MLOCK, [address, len_bytes]) }
}

/// mlock2(address, length, flags)
pub fn mlock2(address: u64, len_bytes: u64, flags: u64) -> Result<u64, Errno> {
    // SAFETY: contents and access stay as they are.
    unsafe { syscall(number::MLOCK2, [address, len_bytes, flags]) }
}

/// munlock(address, length)
pub fn munlock(address: u64, len_bytes: u64) -> Result<u64, Errno> {
    // SAFETY: contents and access stay as they are.
    unsafe { syscall(number::MUNLOCK, [address, len_bytes]) }
}

/// mlockall(flags)
pub fn mlockall(flags: u64) -> Result<u64, Errno> {
    // SAFETY: contents and access stay as they are.
    unsafe { syscall(number::MLOCKALL, [flags]) }
}

/// munlockall()
pub fn munlockall() -> Result<u64, Errno> {
    // SAFETY: contents and access stay as they are.
    unsafe { syscall(number::MUNLOCKALL, []) }
}

/// mincore(address, length, vector): a byte for each page, of which the lowest bit says whether it is in memory.
///
/// # Panics
///
/// When there are not as many bytes as pages.
pub fn mincore(address: u64, len_bytes: u64, vector: &mut [u8]) -> Result<u64, Errno> {
    let pages = len_bytes.div_ceil(abi::PAGE_SIZE);
    assert!(pages <= vector.len() as u64, "a byte for each page");
    // SAFETY: the kernel writes a byte for each page to the vector.
    unsafe { syscall(number::MINCORE, [address, len_bytes, vector.as_mut_ptr() as u64]) }
}

/// msync(address, length, flags)
pub fn msync(address: u64, len_bytes: u64, flags: u64) -> Result<u64, Errno> {
    // SAFETY: contents and access stay as they are.
    unsafe { syscall(number::MSYNC, [address, len_bytes, flags]) }
}

/// userfaultfd(flags): its descriptor.
pub fn userfaultfd(flags: u64) -> Result<i32, Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::USERFAULTFD, [flags]) }.map(|fd| fd as i32)
}

/// brk(address): the break afterwards, which is the old one when the kernel refuses. Safe, since no allocator of ours
/// puts Rust objects below the break.
#[must_use]
pub fn brk(address: u64) -> u64 {
    // SAFETY: the kernel never moves the break below its start, and nothing of Rust's lies above that.
    match unsafe { syscall(number::BRK, [address]) } {
        Ok(address) => address,
        Err(errno) => panic!("brk has no failure, but gave {errno}"),
    }
}
