//! Archives of programs: newc, as Linux's initramfs has it.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::iter;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

use cpio::newc;

/// Most files of an archive that are told of.
const MAX_FILES: usize = 4096;
/// Where the length of its name stands in the header of a newc entry, as eight hexadecimal digits.
const NAME_LENGTH_AT: u64 = 94;
/// Longest name, with the NULs behind it; Linux skips an entry whose name is longer.
const MAX_NAME_BYTES: u32 = 4096;

/// Name of each file of an archive, in their order, and where its contents are, in bytes. What cannot be read as an archive ends
/// the list. The archive may be a stranger's.
pub(crate) fn files(archive: &File) -> impl Iterator<Item = (String, Range<u64>)> {
    let mut rest = Some(BufReader::new(archive));
    let mut next_at = 0;
    iter::from_fn(move || {
        let mut input = rest.take()?;
        input.seek(SeekFrom::Start(next_at)).ok()?;
        // The reader makes room for a name of whatever length the header says.
        name_bytes(archive, next_at).filter(|bytes| *bytes <= MAX_NAME_BYTES)?;
        let mut reader = newc::Reader::new(input).ok()?;
        if reader.entry().is_trailer() {
            return None;
        }
        let name = reader.entry().name().to_owned();
        let len_bytes = u64::from(reader.entry().file_size());
        let start = reader.offset().ok()?;
        let mut input = reader.finish().ok()?;
        next_at = input.stream_position().ok()?;
        rest = Some(input);
        Some((name, start..start + len_bytes))
    })
    .take(MAX_FILES)
}

/// A path as it is in an archive, when it leads to what is in it and not out.
pub(crate) fn inside(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => inside.push(name),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::ParentDir => return None,
        }
    }
    Some(inside)
}

/// Length of the name of the entry at this offset.
fn name_bytes(archive: &File, entry_at: u64) -> Option<u32> {
    let mut digits = [0; 8];
    archive
        .read_exact_at(&mut digits, entry_at.checked_add(NAME_LENGTH_AT)?)
        .ok()?;
    u32::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()
}
