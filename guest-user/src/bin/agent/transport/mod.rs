//! How operations come in and results go out.

mod doorbell;
mod socket;

use guest_user::syscall::Errno;

pub(crate) use doorbell::Doorbell;
pub(crate) use socket::Socket;

/// One end of a conversation as [`abi::doorbell`] describes it.
pub(crate) trait Transport: Sized {
    /// Introduces a process; the first thing on a new channel.
    fn hello(&mut self, process_id: u32, parent_process_id: u32);
    /// The end of the conversation on `channel`, which nobody has used yet.
    fn on(&self, channel: u64) -> Self;
    /// Code of the next operation.
    fn next(&mut self) -> u64;
    /// Argument number `index` of the operation.
    fn argument(&mut self, index: usize) -> u64;
    /// The next eight bytes of the payload, little endian, zero past its end.
    fn payload(&mut self) -> u64;
    /// Appends up to eight bytes to the data that goes back.
    fn data(&mut self, bytes: &[u8]);
    /// Sets the second value that goes back.
    fn value(&mut self, value: u64);
    /// Sends the result, which completes the operation.
    fn complete(&mut self, result: i64);
    /// Ends what the agent runs in, by this command of reboot. Returns only when that failed.
    fn power_off(&mut self, command: u64) -> Errno;
}
