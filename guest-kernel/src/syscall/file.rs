//! System calls on files: opening, closing, positions, status. `transfer` moves the bytes.

use abi::linux::syscall::{AT_EMPTY_PATH, AT_FDCWD};

use crate::errno::Errno;
use crate::fs::{self, AtExec, FileRef, OpenMode, Status};
use crate::mm::UserSlice;
use crate::process::{self, read_path, with_current};

/// Of the flags the access mode matters, and whether the descriptor outlives an execve.
pub(super) fn open(path: u64, flags: u64) -> Result<u64, Errno> {
    let mut buffer = [0; 256];
    let path = read_path(path, &mut buffer)?;
    with_current(|process| process.files().check_room())?;
    let file = fs::open(path, OpenMode::from_flags(flags))?;
    with_current(|process| process.files().add(file, AtExec::from_flags(flags)))
}

/// There is one directory, so only its own descriptor, the working directory's, makes sense.
pub(super) fn openat(directory: u64, path: u64, flags: u64) -> Result<u64, Errno> {
    if directory as i32 == AT_FDCWD {
        open(path, flags)
    } else {
        Err(Errno::EBADF)
    }
}

pub(super) fn close(descriptor: u64) -> Result<u64, Errno> {
    with_current(|process| process.files().close(descriptor)).map(|()| 0)
}

pub(super) fn lseek(descriptor: u64, offset: u64, whence: u64) -> Result<u64, Errno> {
    // `whence` is a C int.
    open_file(descriptor)?.seek(offset, whence as u32)
}

/// The request is a C int.
pub(super) fn ioctl(descriptor: u64, request: u64, argument: u64) -> Result<u64, Errno> {
    open_file(descriptor)?.ioctl(request as u32, argument)
}

/// What is open under the number. It stays, even should another thread close it meanwhile.
pub(super) fn open_file(descriptor: u64) -> Result<FileRef, Errno> {
    with_current(|process| process.files().get(descriptor).cloned())
}

/// The only links are to programs' files. What there is no room for is left out.
pub(super) fn readlink(path: u64, buffer: u64, bytes: u64) -> Result<u64, Errno> {
    // The size is a C int.
    if bytes as i32 <= 0 {
        return Err(Errno::EINVAL);
    }
    let mut name = [0; 256];
    let path = read_path(path, &mut name)?;
    let file = fs::link(path)?;
    let name = fs::initrd::path_of(file.address()).ok_or(Errno::ENOENT)?;
    let mut target = [b'/'; 1 + 256];
    let len = 1 + name.read(0, &mut target[1..]);
    let len = len.min(bytes as usize);
    process::copy_out(UserSlice::new(buffer, len as u64)?, &target[..len])?;
    Ok(len as u64)
}

/// Bytes of `struct stat`, and offsets of the fields that say something.
const STAT_BYTES: usize = 144;
const STAT_LINKS: usize = 16;
const STAT_MODE: usize = 24;
const STAT_DEVICE: usize = 40;
const STAT_SIZE: usize = 48;
const STAT_BLOCK_BYTES: usize = 56;
/// Where the number of a device has the major part, which is the only one that is used.
const MAJOR_SHIFT: u32 = 8;

pub(super) fn fstat(descriptor: u64, buffer: u64) -> Result<u64, Errno> {
    put_status(open_file(descriptor)?.status(), buffer)
}

pub(super) fn newfstatat(directory: u64, path: u64, buffer: u64, flags: u64) -> Result<u64, Errno> {
    let mut name = [0; 256];
    let is_empty = process::with_memory(|space| space.read_string(path, &mut name))? == Some(0);
    if is_empty && flags & AT_EMPTY_PATH != 0 {
        return fstat(directory, buffer);
    }
    if directory as i32 != AT_FDCWD {
        return Err(Errno::EBADF);
    }
    let path = read_path(path, &mut name)?;
    put_status(fs::find(path)?.status(), buffer)
}

fn put_status(file: Status, buffer: u64) -> Result<u64, Errno> {
    let device = u64::from(file.device) << MAJOR_SHIFT;
    let mut status = [0; STAT_BYTES];
    status[STAT_LINKS..][..8].copy_from_slice(&1_u64.to_le_bytes());
    status[STAT_MODE..][..4].copy_from_slice(&file.mode.to_le_bytes());
    status[STAT_DEVICE..][..8].copy_from_slice(&device.to_le_bytes());
    status[STAT_SIZE..][..8].copy_from_slice(&file.len_bytes.to_le_bytes());
    status[STAT_BLOCK_BYTES..][..8].copy_from_slice(&abi::PAGE_SIZE.to_le_bytes());
    let to = UserSlice::new(buffer, STAT_BYTES as u64)?;
    process::copy_out(to, &status).map(|()| 0)
}
