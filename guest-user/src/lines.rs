//! Lines of files that the kernel makes when they are read.

use core::ffi::CStr;

use abi::linux::syscall::O_RDONLY;

use crate::syscall::{Errno, file};

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 512;

/// Calls `visit` with each line, in the order of the file. Of a line that is longer than `MOST` bytes it sees so many.
pub fn for_each<const MOST: usize>(path: &CStr, mut visit: impl FnMut(&[u8])) -> Result<(), Errno> {
    let fd = file::open(path, O_RDONLY)?;
    let mut chunk = [0; CHUNK_BYTES];
    let mut line = [0; MOST];
    let mut len = 0;
    loop {
        let count = file::read(fd, &mut chunk)?;
        if count == 0 {
            break;
        }
        for &byte in &chunk[..count] {
            if byte == b'\n' {
                visit(&line[..len]);
                len = 0;
            } else if len < MOST {
                line[len] = byte;
                len += 1;
            }
        }
    }
    file::close(fd)
}
