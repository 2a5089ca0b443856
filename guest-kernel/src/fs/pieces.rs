//! Long transfers in pieces, so that they need no memory of the kernel's.

use abi::PAGE_SIZE;

use crate::errno::Errno;
use crate::mm::UserSlice;
use crate::mutant::{self, Mutant};
use crate::process;

/// Most bytes that go through the kernel at once.
const PIECE_BYTES: usize = 256;

/// Fills the caller's memory from `position` on, which moves on with it. `fill` is given a position and room for a piece, and says
/// how much of it there was to fill; less than all is the end. An error counts only when nothing was moved before it.
pub(crate) fn read(
    position: &mut u64,
    to: UserSlice,
    mut fill: impl FnMut(u64, &mut [u8]) -> Result<usize, Errno>,
) -> Result<u64, Errno> {
    by_pieces(position, to, |position, piece| {
        let mut bytes = [0; PIECE_BYTES];
        let bytes = &mut bytes[..piece.len()];
        let len = fill(position, bytes)?;
        process::copy_out(piece.first(len), &bytes[..len])?;
        Ok(len)
    })
}

/// The other way round.
pub(crate) fn write(
    position: &mut u64,
    from: UserSlice,
    mut take: impl FnMut(u64, &[u8]) -> Result<usize, Errno>,
) -> Result<u64, Errno> {
    by_pieces(position, from, |position, piece| {
        let mut bytes = [0; PIECE_BYTES];
        let bytes = &mut bytes[..piece.len()];
        process::copy_in(piece, bytes)?;
        take(position, bytes)
    })
}

/// As [`read`], from contents that lie in memory.
pub(crate) fn read_contents(position: &mut u64, to: UserSlice, contents: &[u8]) -> Result<u64, Errno> {
    read(position, to, |position, into| {
        let start = usize::try_from(position).ok();
        let rest = start.and_then(|start| contents.get(start..)).unwrap_or_default();
        let len = rest.len().min(into.len());
        into[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    })
}

/// Moves piece by piece, none of which crosses a page boundary on either side, until one is moved in part.
fn by_pieces(
    position: &mut u64,
    mut rest: UserSlice,
    mut move_piece: impl FnMut(u64, UserSlice) -> Result<usize, Errno>,
) -> Result<u64, Errno> {
    let mut moved = 0;
    loop {
        let in_page = (PAGE_SIZE - *position % PAGE_SIZE) as usize;
        let Some(piece) = rest.take_piece(PIECE_BYTES.min(in_page)) else {
            return Ok(moved);
        };
        match move_piece(*position, piece) {
            Ok(len) => {
                moved += len as u64;
                *position = position.wrapping_add(len as u64);
                if len < piece.len() {
                    return Ok(moved);
                }
            }
            Err(_) if moved > 0 && mutant::is(Mutant::PartialCountTooLarge) => {
                return Ok(moved + piece.len() as u64);
            }
            Err(_) if moved > 0 => return Ok(moved),
            Err(error) => return Err(error),
        }
    }
}
