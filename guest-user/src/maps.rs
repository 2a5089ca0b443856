//! A process's address space, usually its own, as the kernel tells it in `/proc/self/maps`: a line a region,
//! `<start>-<end> <permissions> ...`, addresses in hexadecimal.

use core::ffi::CStr;

use abi::linux::syscall::O_RDONLY;

use crate::syscall::file;

/// A range of addresses with the same access everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub start: u64,
    /// First address behind it.
    pub end: u64,
    /// Four letters, as in `r-xp`.
    pub permissions: [u8; 4],
}

/// Longest part of a line that matters: two addresses of 16 digits, two separators, the permissions.
const HEAD_BYTES: usize = 16 + 1 + 16 + 1 + 4;
/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 512;

/// Calls `visit` with each region, in the order of the file.
///
/// # Panics
///
/// When the file cannot be read, or a line does not begin as it should.
pub fn for_each(visit: impl FnMut(Region)) {
    for_each_in(c"/proc/self/maps", visit);
}

/// As [`for_each`], for the file of a process.
///
/// # Panics
///
/// As [`for_each`].
pub fn for_each_in(path: &CStr, mut visit: impl FnMut(Region)) {
    let fd = file::open(path, O_RDONLY).expect("open of the maps");
    let mut chunk = [0; CHUNK_BYTES];
    let mut head = [0; HEAD_BYTES];
    let mut head_len = 0;
    loop {
        let count = file::read(fd, &mut chunk).expect("read of the maps");
        if count == 0 {
            break;
        }
        for &byte in &chunk[..count] {
            if byte == b'\n' {
                visit(parse(&head[..head_len]).expect("a line of the maps"));
                head_len = 0;
            } else if head_len < HEAD_BYTES {
                head[head_len] = byte;
                head_len += 1;
            }
        }
    }
    file::close(fd).expect("close of the maps");
}

fn parse(head: &[u8]) -> Option<Region> {
    let text = str::from_utf8(head).ok()?;
    let (start, rest) = text.split_once('-')?;
    let (end, rest) = rest.split_once(' ')?;
    Some(Region {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        permissions: *rest.as_bytes().first_chunk()?,
    })
}
