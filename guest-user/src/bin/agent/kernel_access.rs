//! Accesses to memory that the kernel makes for a process: from and to a file, and by the file of a process's memory.

use abi::doorbell::MAX_TRANSFER_BYTES;
use abi::linux::errno::EINVAL;
use abi::linux::syscall::{O_RDONLY, O_RDWR};
use guest_user::Text;
use guest_user::syscall::{Errno, file};

use crate::memory::{target, transferable};
use crate::transport::Transport;

/// Bytes that go to a file of the agent's own, or come from it, at once: few, so that the agent's stack stays where it has been.
const CHUNK_BYTES: usize = 256;

pub(crate) fn copy_to_user(transport: &mut impl Transport) -> Result<u64, Errno> {
    let span = transferable(target(transport))?;
    with_file(|fd| {
        for offset in (0..span.len_bytes()).step_by(CHUNK_BYTES) {
            let mut chunk = [0; CHUNK_BYTES];
            let len = (span.len_bytes() - offset).min(CHUNK_BYTES as u64) as usize;
            receive(transport, &mut chunk[..len]);
            file::write_at(fd, &chunk[..len], offset)?;
        }
        file::read_span_at(fd, span, 0)
    })
}

pub(crate) fn copy_from_user(transport: &mut impl Transport) -> Result<u64, Errno> {
    let span = transferable(target(transport))?;
    with_file(|fd| {
        let moved = file::write_span_at(fd, span, 0)?;
        let mut offset = 0;
        loop {
            let mut chunk = [0; CHUNK_BYTES];
            let len = file::read_at(fd, &mut chunk, offset)?;
            send(transport, &chunk[..len]);
            offset += len as u64;
            if len < CHUNK_BYTES {
                return Ok(moved);
            }
        }
    })
}

/// Runs `access` with an empty file.
fn with_file(access: impl FnOnce(i32) -> Result<usize, Errno>) -> Result<u64, Errno> {
    closing(file::memory_file(c"agent", 0)?, access)
}

/// Kept out of line, so that the buffer takes stack only here.
#[inline(never)]
pub(crate) fn mem_write(transport: &mut impl Transport) -> Result<u64, Errno> {
    let [pid, address, len_bytes] = [0, 1, 2].map(|index| transport.argument(index));
    let mut buffer = [0; MAX_TRANSFER_BYTES as usize];
    let bytes = buffer.get_mut(..len_bytes as usize).ok_or(Errno(EINVAL))?;
    receive(transport, bytes);
    with_memory_of(pid, O_RDWR, |fd| file::write_at(fd, bytes, address))
}

/// As [`mem_write`].
#[inline(never)]
pub(crate) fn mem_read(transport: &mut impl Transport) -> Result<u64, Errno> {
    let [pid, address, len_bytes] = [0, 1, 2].map(|index| transport.argument(index));
    let mut buffer = [0; MAX_TRANSFER_BYTES as usize];
    let bytes = buffer.get_mut(..len_bytes as usize).ok_or(Errno(EINVAL))?;
    let moved = with_memory_of(pid, O_RDONLY, |fd| file::read_at(fd, bytes, address))?;
    send(transport, &bytes[..moved as usize]);
    Ok(moved)
}

fn with_memory_of(
    pid: u64,
    flags: u64,
    access: impl FnOnce(i32) -> Result<usize, Errno>,
) -> Result<u64, Errno> {
    let path = Text::<32>::of(format_args!("/proc/{pid}/mem"));
    closing(file::open(path.as_c_str(), flags)?, access)
}

/// Runs `access` with an open file, and closes it whatever comes of that.
fn closing(fd: i32, access: impl FnOnce(i32) -> Result<usize, Errno>) -> Result<u64, Errno> {
    let moved = access(fd);
    file::close(fd)?;
    moved.map(|moved| moved as u64)
}

/// Payload, as much as there is room for.
fn receive(transport: &mut impl Transport, into: &mut [u8]) {
    for word in into.chunks_mut(size_of::<u64>()) {
        word.copy_from_slice(&transport.payload().to_le_bytes()[..word.len()]);
    }
}

fn send(transport: &mut impl Transport, bytes: &[u8]) {
    for word in bytes.chunks(size_of::<u64>()) {
        transport.data(word);
    }
}
