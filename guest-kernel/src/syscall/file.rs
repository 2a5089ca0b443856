//! System calls on files: opening, closing, positions, status. `transfer` moves the bytes.

use abi::linux::syscall::{AT_EMPTY_PATH, AT_FDCWD, O_ACCMODE, O_RDONLY};

use crate::errno::Errno;
use crate::fs::{File, OpenFile, initrd};
use crate::mm::UserSlice;
use crate::process::{read_path, with_current};

/// The devices, the files of the initrd, the files about the process itself, and one about modules. Of the flags the access
/// mode matters alone.
pub(super) fn open(path: u64, flags: u64) -> Result<u64, Errno> {
    with_current(|process| {
        let mut buffer = [0; 256];
        let path = read_path(process.address_space(), path, &mut buffer)?;
        let file = find(path)?;
        let is_read_only = matches!(file, File::Initrd(_) | File::OwnMaps | File::Modules);
        if is_read_only && flags & O_ACCMODE != O_RDONLY {
            return Err(Errno::EACCES);
        }
        process.files().open(file)
    })
}

/// There is one directory, so only its own descriptor, the working directory's, makes sense.
pub(super) fn openat(directory: u64, path: u64, flags: u64) -> Result<u64, Errno> {
    if directory as i32 == AT_FDCWD {
        open(path, flags)
    } else {
        Err(Errno::EBADF)
    }
}

fn find(path: &[u8]) -> Result<File, Errno> {
    Ok(match path {
        b"/dev/mem" => File::Memory,
        b"/dev/console" => File::Console,
        b"/proc/self/mem" => File::OwnMemory,
        b"/proc/self/maps" => File::OwnMaps,
        b"/proc/self/fail-nth" => File::FailNth,
        b"/proc/modules" => File::Modules,
        _ => File::Initrd(initrd::find(path).ok_or(Errno::ENOENT)?.contents),
    })
}

/// Descriptors are C ints, here as everywhere, but a number that large is open nowhere.
pub(super) fn close(descriptor: u64) -> Result<u64, Errno> {
    with_current(|process| process.files().close(descriptor)).map(|()| 0)
}

/// Where `whence` counts from: start, position, end.
const SEEK_SET: u64 = 0;
const SEEK_CUR: u64 = 1;
const SEEK_END: u64 = 2;

pub(super) fn lseek(descriptor: u64, offset: u64, whence: u64) -> Result<u64, Errno> {
    with_current(|process| {
        let open = process.files().get(descriptor)?;
        let base = match (whence, open.file) {
            (_, File::Console) => return Err(Errno::ESPIPE),
            (SEEK_SET, _) => 0,
            (SEEK_CUR, _) => open.position,
            (SEEK_END, File::Initrd(contents)) => contents.len() as u64,
            _ => return Err(Errno::EINVAL),
        };
        // Memory has addresses in the upper half, so its positions wrap as Linux's do.
        let position = match open.file {
            File::OwnMemory => base.wrapping_add(offset),
            _ => base
                .checked_add_signed(offset.cast_signed())
                .ok_or(Errno::EINVAL)?,
        };
        open.position = position;
        Ok(position)
    })
}

/// No file here is a terminal or another device that can be told something.
pub(super) fn ioctl(descriptor: u64) -> Result<u64, Errno> {
    with_current(|process| process.files().get(descriptor).map(|_| ()))?;
    Err(Errno::ENOTTY)
}

/// There are no links.
pub(super) fn readlink(path: u64) -> Result<u64, Errno> {
    with_current(|process| {
        let mut buffer = [0; 256];
        find(read_path(process.address_space(), path, &mut buffer)?)
    })?;
    Err(Errno::EINVAL)
}

/// Bytes of `struct stat`, and offsets of the fields that say something.
const STAT_BYTES: usize = 144;
const STAT_LINKS: usize = 16;
const STAT_MODE: usize = 24;
const STAT_SIZE: usize = 48;
const STAT_BLOCK_BYTES: usize = 56;
/// Kinds of files, and who may do what with them.
const CHARACTER_DEVICE: u32 = 0o020_600;
const REGULAR_READ_ONLY: u32 = 0o100_444;
const REGULAR_READ_WRITE: u32 = 0o100_600;

pub(super) fn fstat(descriptor: u64, buffer: u64) -> Result<u64, Errno> {
    let OpenFile { file, .. } = with_current(|process| process.files().get(descriptor).copied())?;
    put_status(file, buffer)
}

pub(super) fn newfstatat(directory: u64, path: u64, buffer: u64, flags: u64) -> Result<u64, Errno> {
    let mut name = [0; 256];
    let is_empty = with_current(|process| process.address_space().read_string(path, &mut name))? == Some(0);
    if is_empty && flags & AT_EMPTY_PATH != 0 {
        return fstat(directory, buffer);
    }
    if directory as i32 != AT_FDCWD {
        return Err(Errno::EBADF);
    }
    let file = with_current(|process| find(read_path(process.address_space(), path, &mut name)?))?;
    put_status(file, buffer)
}

fn put_status(file: File, buffer: u64) -> Result<u64, Errno> {
    let (mode, size) = match file {
        File::Console | File::Memory => (CHARACTER_DEVICE, 0),
        File::Initrd(contents) => (REGULAR_READ_ONLY, contents.len() as u64),
        File::OwnMemory | File::FailNth => (REGULAR_READ_WRITE, 0),
        File::OwnMaps | File::Modules => (REGULAR_READ_ONLY, 0),
    };
    let mut status = [0; STAT_BYTES];
    status[STAT_LINKS..][..8].copy_from_slice(&1_u64.to_le_bytes());
    status[STAT_MODE..][..4].copy_from_slice(&mode.to_le_bytes());
    status[STAT_SIZE..][..8].copy_from_slice(&size.to_le_bytes());
    status[STAT_BLOCK_BYTES..][..8].copy_from_slice(&abi::PAGE_SIZE.to_le_bytes());
    let to = UserSlice::new(buffer, STAT_BYTES as u64)?;
    with_current(|process| process.address_space().write(to, &status)).map(|()| 0)
}
