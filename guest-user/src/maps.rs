//! A process's address space, usually its own, as the kernel tells it in `/proc/self/maps`: a line a region,
//! `<start>-<end> <permissions> ...`, addresses in hexadecimal.

use core::ffi::CStr;

use crate::lines;

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
    let parse = |line: &[u8]| visit(parse(line).expect("a line of the maps"));
    lines::for_each::<HEAD_BYTES>(path, parse).expect("read of the maps");
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
