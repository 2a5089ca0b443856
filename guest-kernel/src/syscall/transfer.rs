//! Moving bytes between files and the caller's memory.

use super::file::open_file;
use crate::errno::Errno;
use crate::process;

/// Most vectors of one call (`UIO_MAXIOV`), and the bytes of each: address and length.
const MAX_VECTORS: u64 = 1024;
const VECTOR_BYTES: u64 = 16;

pub(super) fn read(descriptor: u64, buffer: u64, count: u64) -> Result<u64, Errno> {
    open_file(descriptor)?.read(buffer, count)
}

pub(super) fn write(descriptor: u64, buffer: u64, count: u64) -> Result<u64, Errno> {
    open_file(descriptor)?.write(buffer, count)
}

pub(super) fn pread64(descriptor: u64, buffer: u64, count: u64, position: u64) -> Result<u64, Errno> {
    check_position(position)?;
    open_file(descriptor)?.read_at(position, buffer, count)
}

pub(super) fn pwrite64(descriptor: u64, buffer: u64, count: u64, position: u64) -> Result<u64, Errno> {
    check_position(position)?;
    open_file(descriptor)?.write_at(position, buffer, count)
}

/// A position is a signed number that is not negative, whatever file it is for.
fn check_position(position: u64) -> Result<(), Errno> {
    i64::try_from(position).map_err(|_| Errno::EINVAL).map(drop)
}

/// An error counts only when nothing was written before it.
pub(super) fn writev(descriptor: u64, vectors: u64, count: u64) -> Result<u64, Errno> {
    let file = open_file(descriptor)?;
    if count > MAX_VECTORS {
        return Err(Errno::EINVAL);
    }
    let mut moved = 0;
    for index in 0..count {
        let at = vectors.checked_add(index * VECTOR_BYTES).ok_or(Errno::EFAULT)?;
        let vector = process::with_memory(|space| Ok((space.read_u64(at)?, space.read_u64(at + 8)?)));
        match vector.and_then(|(buffer, bytes)| Ok((file.write(buffer, bytes)?, bytes))) {
            Ok((now, bytes)) => {
                moved += now;
                if now < bytes {
                    break;
                }
            }
            Err(_) if moved > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(moved)
}
