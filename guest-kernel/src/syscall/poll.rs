//! poll: which of some files are ready, or the first moment at which one is.

use abi::linux::poll::{POLL_FD_BYTES, POLLERR, POLLHUP, POLLNVAL, REVENTS_OFFSET};

use crate::errno::Errno;
use crate::fs::readiness;
use crate::mm::UserSlice;
use crate::net::Awaited;
use crate::process::{self, Restart, Woken, with_current};
use crate::sched::{self, Disturbed, Moment};

/// Most descriptors of one call: Linux's usual `RLIMIT_NOFILE`.
const MAX_DESCRIPTORS: u64 = 1024;
const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

pub(super) fn poll(descriptors: u64, count: u64, timeout_ms: u64) -> Result<u64, Errno> {
    // Both are C ints.
    let (count, timeout_ms) = (u64::from(count as u32), timeout_ms as i32);
    if count > MAX_DESCRIPTORS {
        return Err(Errno::EINVAL);
    }
    let timeout = u64::try_from(timeout_ms).ok();
    let deadline = timeout.map(|ms| sched::now().plus(ms * NANOSECONDS_PER_MILLISECOND));
    poll_until(descriptors, count, deadline)
}

pub(super) fn poll_until(descriptors: u64, count: u64, deadline: Option<Moment>) -> Result<u64, Errno> {
    let mut is_over = deadline.is_some_and(|deadline| deadline <= sched::now());
    loop {
        let seen = readiness::changes();
        let mut ready = 0;
        let mut is_of_network = false;
        for index in 0..count {
            let at = descriptors.checked_add(index * POLL_FD_BYTES as u64);
            let one = look(at.ok_or(Errno::EFAULT)?)?;
            ready += u64::from(one.is_ready);
            is_of_network |= one.is_socket;
        }
        if ready > 0 || is_over {
            return Ok(ready);
        }
        let _awaited = is_of_network.then(Awaited::new);
        match readiness::wait(seen, deadline) {
            Ok(woken) => is_over = woken == Woken::ByTime,
            Err(Disturbed) => {
                let restart = Restart::Poll {
                    descriptors,
                    count,
                    deadline,
                };
                process::with_thread(|thread| thread.set_restart(restart));
                return Err(Errno::ERESTART_RESTARTBLOCK);
            }
        }
    }
}

/// What was seen of one descriptor.
struct Seen {
    is_ready: bool,
    is_socket: bool,
}

/// Answers for one descriptor.
fn look(at: u64) -> Result<Seen, Errno> {
    let mut bytes = [0; POLL_FD_BYTES];
    let entry = UserSlice::new(at, POLL_FD_BYTES as u64)?;
    process::copy_in(entry, &mut bytes)?;
    let [fd0, fd1, fd2, fd3, events0, events1, _, _] = bytes;
    let fd = i32::from_le_bytes([fd0, fd1, fd2, fd3]);
    let wanted = u16::from_le_bytes([events0, events1]) | POLLERR | POLLHUP;
    let (ready, is_socket) = match u64::try_from(fd) {
        Err(_) => (0, false),
        Ok(number) => match with_current(|process| process.files().get(number).cloned()) {
            Ok(file) => (file.poll() & wanted, file.socket().is_ok()),
            Err(_) => (POLLNVAL, false),
        },
    };
    let answer = UserSlice::new(at + REVENTS_OFFSET as u64, 2)?;
    process::copy_out(answer, &ready.to_le_bytes())?;
    Ok(Seen {
        is_ready: ready != 0,
        is_socket,
    })
}
