//! Archives of programs: newc, as Linux's initramfs has it.

use std::io::Cursor;
use std::iter;
use std::ops::Range;

use cpio::newc;

/// Name of each file of an archive, in their order, and where its contents are, in bytes. What cannot be read as an archive ends
/// the list.
pub(crate) fn files(archive: &[u8]) -> impl Iterator<Item = (String, Range<usize>)> {
    let mut rest = Some(Cursor::new(archive));
    iter::from_fn(move || {
        let mut reader = newc::Reader::new(rest.take()?).ok()?;
        if reader.entry().is_trailer() {
            return None;
        }
        let name = reader.entry().name().to_owned();
        let len_bytes = reader.entry().file_size() as usize;
        let start = usize::try_from(reader.offset().ok()?).ok()?;
        rest = reader.finish().ok();
        Some((name, start..start.checked_add(len_bytes)?))
    })
}
