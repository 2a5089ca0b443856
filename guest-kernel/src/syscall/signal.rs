//! System calls on signals.

use abi::linux::signal::{SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, SIGINFO_BYTES, SIGSET_BYTES};

use super::time::read_time;
use crate::errno::Errno;
use crate::mm::UserSlice;
use crate::process::{self, SignalSet, with_thread};
use crate::sched;

pub(super) fn kill(pid: u64, signal: u64) -> Result<u64, Errno> {
    process::kill(pid as i32, signal).map(|()| 0)
}

pub(super) fn tgkill(pid: u64, tid: u64, signal: u64) -> Result<u64, Errno> {
    process::kill_thread(pid as i32, tid as i32, signal).map(|()| 0)
}

pub(super) fn rt_sigprocmask(how: u64, set: u64, old: u64, bytes: u64) -> Result<u64, Errno> {
    if bytes != SIGSET_BYTES {
        return Err(Errno::EINVAL);
    }
    let mask = with_thread(|thread| thread.signal_mask());
    if set != 0 {
        let change = read_set(set)?;
        process::change_mask(match how {
            SIG_BLOCK => mask.union(change),
            SIG_UNBLOCK => mask.difference(change),
            SIG_SETMASK => change,
            _ => return Err(Errno::EINVAL),
        });
    }
    if old != 0 {
        let to = UserSlice::new(old, SIGSET_BYTES)?;
        let mask = mask.bits().to_le_bytes();
        process::copy_out(to, &mask)?;
    }
    Ok(0)
}

/// A signal that was taken is gone, even if the caller has nowhere to put what is told of it: so it is on Linux.
pub(super) fn rt_sigtimedwait(set: u64, info: u64, timeout: u64, bytes: u64) -> Result<u64, Errno> {
    if bytes != SIGSET_BYTES {
        return Err(Errno::EINVAL);
    }
    let wanted = read_set(set)?;
    let deadline = match timeout {
        0 => None,
        address => Some(sched::now().plus(read_time(address)?)),
    };
    let (signal, origin) = process::wait_for_signal(wanted, deadline)?;
    if info != 0 {
        let to = UserSlice::new(info, SIGINFO_BYTES as u64)?;
        process::copy_out(to, &origin.info(signal))?;
    }
    Ok(signal.number().into())
}

fn read_set(address: u64) -> Result<SignalSet, Errno> {
    process::with_memory(|space| space.read_u64(address)).map(SignalSet::from_bits)
}
