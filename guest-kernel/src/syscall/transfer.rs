//! Moving bytes between files and the caller's memory.

use abi::PAGE_SIZE;

use crate::device::console;
use crate::errno::Errno;
use crate::fs::{File, OpenFile, fail_nth, own_maps};
use crate::mm::{UserSlice, fault_injection};
use crate::module;
use crate::process::{self, with_current};

/// Most bytes that go through the kernel at once.
const PIECE_BYTES: usize = 256;
/// Longest transfer (`MAX_RW_COUNT`).
const MAX_TRANSFER_BYTES: u64 = 0x7fff_f000;
/// Most vectors of one call (`UIO_MAXIOV`), and the bytes of each: address and length.
const MAX_VECTORS: u64 = 1024;
const VECTOR_BYTES: u64 = 16;

/// Of the console it reads what has arrived; nothing is the end of the file, because nobody types.
pub(super) fn read(descriptor: u64, buffer: u64, count: u64) -> Result<u64, Errno> {
    let OpenFile { file, position } = open_file(descriptor)?;
    let moved = read_at(file, position, buffer, count)?;
    advance(descriptor, moved)
}

pub(super) fn write(descriptor: u64, buffer: u64, count: u64) -> Result<u64, Errno> {
    let OpenFile { file, position } = open_file(descriptor)?;
    let moved = write_at(file, position, buffer, count)?;
    advance(descriptor, moved)
}

pub(super) fn pread64(descriptor: u64, buffer: u64, count: u64, position: u64) -> Result<u64, Errno> {
    match open_file(descriptor)?.file {
        File::Console => Err(Errno::ESPIPE),
        file => read_at(file, position, buffer, count),
    }
}

pub(super) fn pwrite64(descriptor: u64, buffer: u64, count: u64, position: u64) -> Result<u64, Errno> {
    match open_file(descriptor)?.file {
        File::Console => Err(Errno::ESPIPE),
        file => write_at(file, position, buffer, count),
    }
}

/// An error counts only when nothing was written before it.
pub(super) fn writev(descriptor: u64, vectors: u64, count: u64) -> Result<u64, Errno> {
    if count > MAX_VECTORS {
        return Err(Errno::EINVAL);
    }
    let mut moved = 0;
    for index in 0..count {
        let at = vectors.checked_add(index * VECTOR_BYTES).ok_or(Errno::EFAULT)?;
        let vector = with_current(|process| {
            let space = process.address_space();
            Ok::<_, Errno>((space.read_u64(at)?, space.read_u64(at + 8)?))
        });
        match vector.and_then(|(buffer, bytes)| Ok((write(descriptor, buffer, bytes)?, bytes))) {
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

fn open_file(descriptor: u64) -> Result<OpenFile, Errno> {
    with_current(|process| process.files().get(descriptor).copied())
}

fn advance(descriptor: u64, moved: u64) -> Result<u64, Errno> {
    with_current(|process| {
        // Another thread may have closed it meanwhile; what was moved was moved.
        if let Ok(open) = process.files().get(descriptor) {
            open.position = open.position.wrapping_add(moved);
        }
    });
    Ok(moved)
}

fn read_at(file: File, position: u64, buffer: u64, count: u64) -> Result<u64, Errno> {
    let text = match file {
        File::OwnMaps => with_current(|process| own_maps::text(process.address_space()))?,
        File::Modules => module::listing(module_reader())?,
        File::Console | File::Memory | File::Initrd(_) | File::OwnMemory | File::FailNth => {
            Default::default()
        }
    };
    by_pieces(position, buffer, count, |position, piece| {
        let mut bytes = [0; PIECE_BYTES];
        let bytes = &mut bytes[..piece.len()];
        let len = match file {
            File::Console => console::read(bytes),
            File::Memory => return Err(Errno::EPERM),
            File::Initrd(contents) => copy_from(contents, position, bytes),
            File::OwnMaps | File::Modules => copy_from(&text, position, bytes),
            File::FailNth => {
                let mut text = [0; fail_nth::MAX_TEXT_BYTES];
                let len = fail_nth::write(fault_injection::left(), &mut text);
                copy_from(&text[..len], position, bytes)
            }
            File::OwnMemory => {
                process::read_own(position, bytes)?;
                bytes.len()
            }
        };
        with_current(|process| process.address_space().write(piece.first(len), &bytes[..len]))?;
        Ok(len)
    })
}

fn module_reader() -> module::Reader {
    if with_current(|process| process.is_superuser()) {
        module::Reader::Superuser
    } else {
        module::Reader::Other
    }
}

fn write_at(file: File, position: u64, buffer: u64, count: u64) -> Result<u64, Errno> {
    if file == File::FailNth {
        return write_fail_nth(buffer, count);
    }
    by_pieces(position, buffer, count, |position, piece| {
        let mut bytes = [0; PIECE_BYTES];
        let bytes = &mut bytes[..piece.len()];
        with_current(|process| process.address_space().read(piece, bytes))?;
        match file {
            File::Console => console::write(bytes),
            File::Memory => return Err(Errno::EPERM),
            File::Initrd(_) | File::OwnMaps | File::Modules | File::FailNth => return Err(Errno::EBADF),
            File::OwnMemory => process::write_own(position, bytes)?,
        }
        Ok(bytes.len())
    })
}

/// All of it at once, wherever pages begin: half a number is another number.
fn write_fail_nth(buffer: u64, count: u64) -> Result<u64, Errno> {
    let mut text = [0; fail_nth::MAX_TEXT_BYTES];
    let text = text.get_mut(..count as usize).ok_or(Errno::EINVAL)?;
    let from = UserSlice::new(buffer, count)?;
    with_current(|process| process.address_space().read(from, text))?;
    fault_injection::fail_nth(fail_nth::parse(text)?);
    Ok(count)
}

/// Moves piece by piece, none of which crosses a page boundary on either side, until one is moved in part.
fn by_pieces(
    position: u64,
    buffer: u64,
    count: u64,
    mut move_piece: impl FnMut(u64, UserSlice) -> Result<usize, Errno>,
) -> Result<u64, Errno> {
    let mut rest = UserSlice::new(buffer, count.min(MAX_TRANSFER_BYTES))?;
    let mut moved = 0;
    loop {
        let position = position.wrapping_add(moved);
        let in_page = (PAGE_SIZE - position % PAGE_SIZE) as usize;
        let Some(piece) = rest.take_piece(PIECE_BYTES.min(in_page)) else {
            return Ok(moved);
        };
        match move_piece(position, piece) {
            Ok(len) => {
                moved += len as u64;
                if len < piece.len() {
                    return Ok(moved);
                }
            }
            Err(_) if moved > 0 => return Ok(moved),
            Err(error) => return Err(error),
        }
    }
}

fn copy_from(contents: &[u8], position: u64, into: &mut [u8]) -> usize {
    let rest = usize::try_from(position)
        .ok()
        .and_then(|start| contents.get(start..));
    let rest = rest.unwrap_or_default();
    let len = rest.len().min(into.len());
    into[..len].copy_from_slice(&rest[..len]);
    len
}
