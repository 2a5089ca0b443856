//! System calls on files.

use crate::device::console;
use crate::errno::Errno;
use crate::fs::File;
use crate::mm::UserSlice;
use crate::process::{read_path, with_current};

/// Most bytes that go through the kernel at once.
const PIECE_BYTES: usize = 256;
/// Longest transfer (`MAX_RW_COUNT`).
const MAX_TRANSFER_BYTES: u64 = 0x7fff_f000;

/// Reads what has arrived; nothing is the end of the file, because nobody types.
pub(super) fn read(descriptor: u64, buffer: u64, count: u64) -> Result<u64, Errno> {
    transfer(descriptor, buffer, count, |space, piece| {
        let mut bytes = [0; PIECE_BYTES];
        let len = console::read(&mut bytes[..piece.len()]);
        let part = piece.first(len);
        space.write(part, &bytes[..len])?;
        Ok(len)
    })
}

pub(super) fn write(descriptor: u64, buffer: u64, count: u64) -> Result<u64, Errno> {
    transfer(descriptor, buffer, count, |space, piece| {
        let mut bytes = [0; PIECE_BYTES];
        let bytes = &mut bytes[..piece.len()];
        space.read(piece, bytes)?;
        console::write(bytes);
        Ok(bytes.len())
    })
}

/// Moves piece by piece until one is moved in part. An error counts only when nothing was moved before it.
fn transfer(
    descriptor: u64,
    buffer: u64,
    count: u64,
    mut move_piece: impl FnMut(&mut crate::mm::AddressSpace, UserSlice) -> Result<usize, Errno>,
) -> Result<u64, Errno> {
    with_current(|process| {
        match process.files().get(descriptor)? {
            File::Console => {}
            File::Memory => return Err(Errno::EPERM),
        }
        let mut rest = UserSlice::new(buffer, count.min(MAX_TRANSFER_BYTES))?;
        let mut moved = 0;
        while let Some(piece) = rest.take_piece(PIECE_BYTES) {
            match move_piece(process.address_space(), piece) {
                Ok(len) => {
                    moved += len as u64;
                    if len < piece.len() {
                        break;
                    }
                }
                Err(_) if moved > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(moved)
    })
}

/// The two devices; flags and mode say nothing that matters to them.
pub(super) fn open(path: u64) -> Result<u64, Errno> {
    with_current(|process| {
        let mut buffer = [0; 256];
        let file = match read_path(process.address_space(), path, &mut buffer)? {
            b"/dev/mem" => File::Memory,
            b"/dev/console" => File::Console,
            _ => return Err(Errno::ENOENT),
        };
        process.files().open(file)
    })
}

/// Descriptors are C ints, here as everywhere, but a number that large is open nowhere.
pub(super) fn close(descriptor: u64) -> Result<u64, Errno> {
    with_current(|process| process.files().close(descriptor)).map(|()| 0)
}
