//! The archive that the loader left in memory: the one file system there is.
//!
//! Its frames are the page cache. A file that starts on a page boundary is mapped as it lies there.

#![allow(unsafe_code, reason = "the archive as a slice, while it is searched")]

use super::cpio::{self, Entry};
use crate::mm::{CachedBytes, PhysAddr};
use crate::sync::Lock;

static ARCHIVE: Lock<Option<CachedBytes>> = Lock::new(None);

/// A file of the archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    pub(crate) contents: CachedBytes,
    /// Whether it is a regular file that someone may execute.
    pub(crate) is_executable: bool,
}

/// Says where the archive is.
pub(crate) fn init(archive: CachedBytes) {
    *ARCHIVE.lock() = Some(archive);
}

/// The file of that path; there is one directory that every relative path starts from, the root.
pub(crate) fn find(path: &[u8]) -> Option<File> {
    let wanted = without_root(path);
    let archive = (*ARCHIVE.lock())?;
    // SAFETY: the search compares and stores nothing, and no program runs meanwhile.
    let bytes = unsafe { archive.as_slice() };
    let entry = cpio::entries(bytes).find(|entry| without_root(&bytes[entry.name.clone()]) == wanted)?;
    Some(File {
        is_executable: entry.is_executable(),
        contents: archive.part(entry.contents),
    })
}

/// Path of the file whose contents hold a physical address.
pub(crate) fn path_of(address: PhysAddr) -> Option<CachedBytes> {
    let archive = (*ARCHIVE.lock())?;
    let in_archive = address.as_u64().checked_sub(archive.address().as_u64())? as usize;
    // SAFETY: as in `find`.
    let bytes = unsafe { archive.as_slice() };
    let Entry { name, .. } = cpio::entries(bytes).find(|entry| entry.contents.contains(&in_archive))?;
    let path = without_root(&bytes[name.clone()]);
    Some(archive.part(name.end - path.len()..name.end))
}

fn without_root(path: &[u8]) -> &[u8] {
    let path = path
        .strip_prefix(b".")
        .filter(|rest| rest.starts_with(b"/"))
        .unwrap_or(path);
    let slashes = path.iter().take_while(|&&byte| byte == b'/').count();
    &path[slashes..]
}

#[cfg(test)]
mod tests {
    use super::without_root;

    #[test]
    fn a_path_is_the_same_with_and_without_the_root() {
        for path in [&b"bin/agent"[..], b"/bin/agent", b"//bin/agent", b"./bin/agent"] {
            assert_eq!(without_root(path), b"bin/agent");
        }
        assert_eq!(without_root(b".hidden"), b".hidden");
    }
}
