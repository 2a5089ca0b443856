//! System calls on signals.

use abi::linux::signal::{SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, SIGINFO_BYTES, SIGSET_BYTES};

use super::time::read_time;
use crate::arch::TrapFrame;
use crate::errno::Errno;
use crate::mm::UserSlice;
use crate::process::{self, Action, AlternateStack, SignalSet, with_thread};
use crate::sched;

pub(super) fn kill(pid: u64, signal: u64) -> Result<u64, Errno> {
    process::kill(pid as i32, signal).map(|()| 0)
}

pub(super) fn tgkill(pid: u64, tid: u64, signal: u64) -> Result<u64, Errno> {
    process::kill_thread(pid as i32, tid as i32, signal).map(|()| 0)
}

pub(super) fn tkill(tid: u64, signal: u64) -> Result<u64, Errno> {
    process::kill_any_thread(tid as i32, signal).map(|()| 0)
}

pub(super) fn rt_sigaction(signal: u64, action: u64, old: u64, bytes: u64) -> Result<u64, Errno> {
    if bytes != SIGSET_BYTES {
        return Err(Errno::EINVAL);
    }
    let new = read_record(action)?.map(|bytes| Action::from_bytes(&bytes));
    let action = process::set_action(signal, new)?;
    write_record(old, &action.to_bytes())
}

/// Whatever a program's frame holds, the call gives what RAX is then.
pub(super) fn rt_sigreturn(frame: &mut TrapFrame) -> Result<u64, Errno> {
    process::sigreturn(frame);
    Ok(frame.system_call_result())
}

pub(super) fn sigaltstack(stack: u64, old: u64, frame: &mut TrapFrame) -> Result<u64, Errno> {
    let new = read_record(stack)?.map(|bytes| AlternateStack::from_bytes(&bytes));
    let was = process::alternate_stack(new, frame.stack())?;
    write_record(old, &was.to_bytes())
}

pub(super) fn rt_sigpending(set: u64, bytes: u64) -> Result<u64, Errno> {
    if bytes > SIGSET_BYTES {
        return Err(Errno::EINVAL);
    }
    let pending = process::pending_signals().bits().to_le_bytes();
    let to = UserSlice::new(set, bytes)?;
    process::copy_out(to, &pending[..to.len()]).map(|()| 0)
}

pub(super) fn rt_sigsuspend(mask: u64, bytes: u64) -> Result<u64, Errno> {
    if bytes != SIGSET_BYTES {
        return Err(Errno::EINVAL);
    }
    process::suspend(read_set(mask)?)
}

pub(super) fn pause() -> Result<u64, Errno> {
    process::wait_for_any_signal()
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

/// A structure that the caller passes; `None` for a null pointer.
fn read_record<const BYTES: usize>(address: u64) -> Result<Option<[u8; BYTES]>, Errno> {
    if address == 0 {
        return Ok(None);
    }
    let mut record = [0; BYTES];
    process::copy_in(UserSlice::new(address, BYTES as u64)?, &mut record)?;
    Ok(Some(record))
}

/// A structure that the caller wants, unless it passes a null pointer.
fn write_record(address: u64, record: &[u8]) -> Result<u64, Errno> {
    if address != 0 {
        process::copy_out(UserSlice::new(address, record.len() as u64)?, record)?;
    }
    Ok(0)
}

fn read_set(address: u64) -> Result<SignalSet, Errno> {
    process::with_memory(|space| space.read_u64(address)).map(SignalSet::from_bits)
}
