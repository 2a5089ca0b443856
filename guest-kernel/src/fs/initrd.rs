//! The archive that the loader left in memory: the one file system there is.
//!
//! Its frames are the page cache. A file that starts on a page boundary is mapped as it lies there.

use super::cpio::{self, Entry};
use crate::mm::{PhysAddr, boot_bytes, physical_address_of};
use crate::sync::Lock;

static ARCHIVE: Lock<&'static [u8]> = Lock::new(&[]);

/// Says where the archive is.
pub(crate) fn init(address: PhysAddr, len_bytes: usize) {
    *ARCHIVE.lock() = boot_bytes(address, len_bytes);
}

/// The file of that path; there is one directory that every relative path starts from, the root.
pub(crate) fn find(path: &[u8]) -> Option<Entry<'static>> {
    let wanted = without_root(path);
    let archive: &'static [u8] = *ARCHIVE.lock();
    cpio::entries(archive).find(|entry| without_root(entry.name) == wanted)
}

/// Physical address of a file's first page, if the file starts a page.
pub(crate) fn page_aligned_address(contents: &[u8]) -> Option<PhysAddr> {
    Some(physical_address_of(contents)).filter(|address| address.is_page_aligned())
}

/// The file whose contents hold a physical address, and the offset in it.
pub(crate) fn file_at(address: PhysAddr) -> Option<(&'static [u8], u64)> {
    let archive: &'static [u8] = *ARCHIVE.lock();
    cpio::entries(archive).find_map(|entry| {
        let start = physical_address_of(entry.contents).as_u64();
        let offset = address.as_u64().checked_sub(start)?;
        (offset < entry.contents.len() as u64).then(|| (without_root(entry.name), offset))
    })
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
