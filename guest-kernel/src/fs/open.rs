//! open: a path becomes an open file description.

use super::{FileOperations, FileRef, Node, OpenFile, OpenMode, devices, initrd, initrd_file, proc};
use crate::errno::Errno;
use crate::mm::CachedBytes;
use crate::process::with_current;

/// Opens the file for the process that runs.
pub(crate) fn open(path: &[u8], mode: OpenMode) -> Result<FileRef, Errno> {
    let node = find(path)?;
    check_permission(&node, mode)?;
    OpenFile::open(node, mode)
}

/// Makes a file that no path leads to, for reading.
pub(crate) fn open_unnamed(
    operations: impl FileOperations + 'static,
    mode: OpenMode,
) -> Result<FileRef, Errno> {
    OpenFile::open(Node::new(operations)?, mode)
}

/// What a path leads to: a device, a file in `/proc`, or else a file of the initrd.
pub(crate) fn find(path: &[u8]) -> Result<Node, Errno> {
    if let Some(name) = path.strip_prefix(b"/dev/") {
        return devices::find(name);
    }
    if let Some(rest) = path.strip_prefix(b"/proc/") {
        return proc::find(rest);
    }
    let file = initrd::find(path).ok_or(Errno::ENOENT)?;
    Node::new(initrd_file::InitrdFile(file.contents))
}

/// The file that a symbolic link leads to: EINVAL for what is none.
pub(crate) fn link(path: &[u8]) -> Result<CachedBytes, Errno> {
    match path.strip_prefix(b"/proc/") {
        Some(rest) => proc::link(rest),
        None => find(path).and(Err(Errno::EINVAL)),
    }
}

/// Bits of the permissions of one class of users.
const READ: u32 = 4;
const WRITE: u32 = 2;

/// The owner, or else everybody. The superuser may do everything.
fn check_permission(node: &Node, mode: OpenMode) -> Result<(), Errno> {
    let (is_superuser, uid) = with_current(|process| (process.is_superuser(), process.credentials().uid()));
    let class = if uid == node.owner { 6 } else { 0 };
    let permissions = node.status().mode >> class;
    let lacks = |needs: bool, bit: u32| needs && permissions & bit == 0;
    if !is_superuser && (lacks(mode.reads(), READ) || lacks(mode.writes(), WRITE)) {
        Err(Errno::EACCES)
    } else {
        Ok(())
    }
}
