//! How a user program asks the VMM for its next operation.
//!
//! The doorbell is a range of guest physical addresses without memory behind it. A program maps it from `/dev/mem`, and
//! each access is an exit to the VMM. Nothing passes through guest memory, so a kernel that mixes up frames cannot mix
//! up operations.
//!
//! The range is cut into pages, one for each *channel*. The first agent uses channel 0; the `fork` operation tells the
//! parent which channel its child shall use. A conversation on one channel:
//!
//! 1. the agent reads [`NEXT`] and gets an operation code (see [`crate::operation`]);
//! 2. it reads the [`ARGUMENTS`] it needs, and payload bytes, eight at a time, from [`PAYLOAD`];
//! 3. it performs the operation;
//! 4. it writes what comes back to [`DATA`] (eight bytes at a time) and [`VALUE`], as far as the operation has them, and
//!    at last the return value to [`RESULT`], which completes the operation.
//!
//! All registers are 64 bits wide and are accessed as such. Reading a write-only register or writing a read-only one has
//! no effect; reads then give 0.

use crate::PAGE_SIZE;

/// Guest physical address of channel 0. Lies in the gap below 4 GiB, where no platform puts memory.
pub const PHYS_BASE: u64 = 0xd000_0000;
/// Number of channels, one page each.
pub const CHANNELS: u64 = 1024;
/// Bytes of the whole range.
pub const LEN_BYTES: u64 = CHANNELS * PAGE_SIZE;

/// Read: code of the next operation. The VMM may answer [`crate::operation::YIELD`] as often as it likes.
pub const NEXT: u64 = 0x00;
/// Read: arguments 0 to 5, eight bytes apart.
pub const ARGUMENTS: u64 = 0x08;
/// Number of argument registers.
pub const ARGUMENT_COUNT: usize = 6;
/// Read: the next eight payload bytes, little endian, zero-filled past the end.
pub const PAYLOAD: u64 = 0x40;
/// Write: the return value, as the system call returned it (`-errno` on failure). Completes the operation.
pub const RESULT: u64 = 0x80;
/// Write: a second value, such as a wait status.
pub const VALUE: u64 = 0x88;
/// Write: appends eight bytes, little endian, to the data that comes back; the operation says how many of them count.
pub const DATA: u64 = 0x90;
/// Write: the program's process id in the low and its parent's in the high 32 bits; the first thing on a new channel.
pub const HELLO: u64 = 0x98;

/// Most payload or data bytes of one operation.
pub const MAX_TRANSFER_BYTES: u64 = 4096;

const _: () = assert!(ARGUMENTS + 8 * ARGUMENT_COUNT as u64 <= PAYLOAD);
const _: () = assert!(PHYS_BASE.is_multiple_of(PAGE_SIZE) && PHYS_BASE + LEN_BYTES <= 1 << 32);

/// The same conversation over a socket, for an agent that runs as an ordinary Linux process: channel `n` is file
/// descriptor [`socket::FIRST_FD`]` + n`, a `SOCK_SEQPACKET` socket, one packet a message.
pub mod socket {
    use super::ARGUMENT_COUNT;

    /// File descriptor of channel 0.
    pub const FIRST_FD: i32 = 3;
    /// Agent to VMM: first packet on a channel, [`super::HELLO`]'s value, 8 bytes.
    pub const HELLO_BYTES: usize = 8;
    /// VMM to agent: operation code, arguments, payload length in bytes, each a little-endian u64; the payload follows.
    pub const REQUEST_HEADER_BYTES: usize = 8 * (1 + ARGUMENT_COUNT + 1);
    /// Agent to VMM: result, value, data length in bytes, each a little-endian u64; the data follow.
    pub const REPLY_HEADER_BYTES: usize = 8 * 3;
}
