//! The "newc" cpio format: for each file a header of hexadecimal numbers, the name, the contents.
//!
//! Headers and contents are padded to 4 bytes. Names may be followed by any number of NULs; an archive uses them to put the
//! contents on a page boundary.

use core::ops::Range;

const MAGICS: [&[u8]; 2] = [b"070701", b"070702"];
const HEADER_BYTES: usize = 110;
const FIELD_BYTES: usize = 8;
/// Offsets of the fields that are of interest.
const MODE_AT: usize = 14;
const FILE_BYTES_AT: usize = 54;
const NAME_BYTES_AT: usize = 94;
const TRAILER: &[u8] = b"TRAILER!!!";

const MODE_TYPE: u32 = 0o170_000;
const MODE_REGULAR: u32 = 0o100_000;
const MODE_EXECUTE: u32 = 0o111;

/// A file of the archive: which of its bytes are what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Range<usize>,
    pub(super) contents: Range<usize>,
    mode: u32,
}

impl Entry {
    /// A regular file that someone may execute.
    pub(super) fn is_executable(&self) -> bool {
        self.mode & MODE_TYPE == MODE_REGULAR && self.mode & MODE_EXECUTE != 0
    }
}

/// The files of an archive, one after the other; ends at the trailer and at anything that is not cpio.
pub(super) fn entries(archive: &[u8]) -> impl Iterator<Item = Entry> {
    let mut next = 0;
    core::iter::from_fn(move || {
        let entry = parse(archive, next)?;
        next = entry.contents.end.checked_next_multiple_of(4)?;
        (&archive[entry.name.clone()] != TRAILER).then_some(entry)
    })
}

/// The file whose header is at an offset.
fn parse(archive: &[u8], at: usize) -> Option<Entry> {
    let name_start = at.checked_add(HEADER_BYTES)?;
    let header = archive.get(at..name_start)?;
    if !MAGICS.contains(&&header[..6]) {
        return None;
    }
    let name_end = name_start.checked_add(number(header, NAME_BYTES_AT)? as usize)?;
    let start = name_end.checked_next_multiple_of(4)?;
    let contents = start..start.checked_add(number(header, FILE_BYTES_AT)? as usize)?;
    archive.get(contents.clone())?;
    let padded_name = archive.get(name_start..name_end)?;
    let name = padded_name.split(|&byte| byte == 0).next()?;
    Some(Entry {
        name: name_start..name_start + name.len(),
        contents,
        mode: number(header, MODE_AT)?,
    })
}

fn number(header: &[u8], at: usize) -> Option<u32> {
    header[at..at + FIELD_BYTES].iter().try_fold(0, |number, &digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        Some(number << 4 | u32::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::{TRAILER, entries};

    fn file(name: &[u8], padding: usize, mode: u32, contents: &[u8]) -> Vec<u8> {
        let zero = 0;
        let mut bytes = format!(
            "070701{zero:08x}{mode:08x}{zero:08x}{zero:08x}{zero:08x}{zero:08x}{:08x}{zero:08x}{zero:08x}{zero:08x}{zero:08x}{:08x}{zero:08x}",
            contents.len(),
            name.len() + 1 + padding
        )
        .into_bytes();
        bytes.extend(name);
        bytes.resize(bytes.len() + 1 + padding, 0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(contents);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn files_are_found_in_order_until_the_trailer() {
        let archive = [
            file(b"agent", 0, 0o100_755, b"one"),
            file(b"bin/hello", 77, 0o100_755, b"four"),
            file(TRAILER, 0, 0, b""),
            file(b"behind", 0, 0, b""),
        ]
        .concat();
        let found: Vec<_> = entries(&archive)
            .map(|entry| (&archive[entry.name], &archive[entry.contents]))
            .collect();
        assert_eq!(found, [(&b"agent"[..], &b"one"[..]), (b"bin/hello", b"four")]);
    }

    #[test]
    fn only_regular_files_with_an_execute_bit_are_executable() {
        let is_executable = |mode| entries(&file(b"x", 0, mode, b"")).next().unwrap().is_executable();
        assert!(is_executable(0o100_755));
        assert!(!is_executable(0o100_644));
        assert!(!is_executable(0o040_755));
    }

    #[test]
    fn an_archive_that_is_cut_off_ends_before_the_incomplete_file() {
        let whole = [file(b"a", 0, 0, b"contents"), file(b"b", 0, 0, b"contents")].concat();
        assert_eq!(entries(&whole[..whole.len() - 1]).count(), 1);
        assert_eq!(entries(&whole[..50]).count(), 0);
    }

    #[test]
    fn a_size_that_is_no_number_or_too_large_ends_the_archive() {
        let mut archive = file(b"a", 0, 0, b"contents");
        archive[54..62].copy_from_slice(b"ffffffff");
        assert_eq!(entries(&archive).count(), 0);
        archive[54..62].copy_from_slice(b"0000000g");
        assert_eq!(entries(&archive).count(), 0);
    }
}
