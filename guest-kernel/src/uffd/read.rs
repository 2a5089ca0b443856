//! read: messages, the oldest first.

use abi::linux::userfaultfd::{MESSAGE_BYTES, UFFD_EVENT_PAGEFAULT};

use super::context::ContextId;
use super::wait::{self, Message};
use crate::errno::Errno;
use crate::fs::{Patience, readiness};
use crate::mm::UserSlice;
use crate::process;

/// As many as there are and fit; waits for the first alone. A message that cannot be put there is gone, as on Linux.
pub(super) fn read(id: ContextId, patience: Patience, mut to: UserSlice) -> Result<u64, Errno> {
    let mut done_bytes = 0;
    while to.len() >= MESSAGE_BYTES {
        let message = match wait::take_message(id) {
            Some(message) => message,
            None if done_bytes > 0 => break,
            None => first_message(id, patience)?,
        };
        match process::copy_out(to.take_front(MESSAGE_BYTES as u64), &encode(message)) {
            Ok(()) => done_bytes += MESSAGE_BYTES as u64,
            Err(_) if done_bytes > 0 => break,
            Err(error) => return Err(error),
        }
    }
    if done_bytes > 0 {
        Ok(done_bytes)
    } else {
        Err(Errno::EINVAL)
    }
}

fn first_message(id: ContextId, patience: Patience) -> Result<Message, Errno> {
    loop {
        let seen = readiness::changes();
        if let Some(message) = wait::take_message(id) {
            return Ok(message);
        }
        match patience {
            Patience::None => return Err(Errno::EAGAIN),
            Patience::Waits => readiness::wait(seen, None)?,
        };
    }
}

fn encode(message: Message) -> [u8; MESSAGE_BYTES] {
    let Message {
        flags,
        address,
        thread,
    } = message;
    let mut bytes = [0; MESSAGE_BYTES];
    bytes[0] = UFFD_EVENT_PAGEFAULT;
    bytes[8..16].copy_from_slice(&flags.to_le_bytes());
    bytes[16..24].copy_from_slice(&address.to_le_bytes());
    bytes[24..28].copy_from_slice(&thread.to_le_bytes());
    bytes
}
