//! System calls on processes.

use abi::linux::process::{WCONTINUED, WNOHANG, WUNTRACED};

use crate::arch::TrapFrame;
use crate::errno::Errno;
use crate::mm::UserSlice;
use crate::process::{self, ChildFilter, Interest, Patience, with_current};
use crate::sched;

pub(super) fn sched_yield() -> Result<u64, Errno> {
    sched::yield_now();
    Ok(0)
}

pub(super) fn getpid() -> Result<u64, Errno> {
    Ok(with_current(|process| process.pid().as_u32().into()))
}

/// Init has no parent, and gets 0.
pub(super) fn getppid() -> Result<u64, Errno> {
    Ok(with_current(|process| {
        process.parent().map_or(0, |parent| parent.as_u32().into())
    }))
}

pub(super) fn setpgid(pid: u64, group: u64) -> Result<u64, Errno> {
    process::set_group(pid as i32, group as i32).map(|()| 0)
}

pub(super) fn getpgid(pid: u64) -> Result<u64, Errno> {
    process::group_of(pid as i32).map(|group| group.as_u32().into())
}

pub(super) fn getpgrp() -> Result<u64, Errno> {
    getpgid(0)
}

pub(super) fn fork(frame: &mut TrapFrame) -> Result<u64, Errno> {
    Ok(process::fork(frame, |_, _| {})?.as_u32().into())
}

pub(super) fn execve(path: u64, argv: u64, envp: u64, frame: &mut TrapFrame) -> Result<u64, Errno> {
    process::exec(frame, path, argv, envp).map(|()| 0)
}

pub(super) fn exit(code: u64) -> Result<u64, Errno> {
    process::exit_thread(code)
}

pub(super) fn exit_group(code: u64) -> Result<u64, Errno> {
    process::exit_group(code)
}

/// Options that Linux knows and that make no difference here: whose children, threads.
const INDIFFERENT_OPTIONS: u64 = 0x2000_0000 | 0x4000_0000;
/// Bytes of `struct rusage`. Nothing is accounted, so all of it is zero.
const USAGE_BYTES: usize = 144;

pub(super) fn wait4(pid: u64, status: u64, options: u64, usage: u64) -> Result<u64, Errno> {
    // Both are C ints: the upper halves of the registers do not count.
    let (pid, options) = (pid as i32, u64::from(options as u32));
    if options & !(WNOHANG | WUNTRACED | WCONTINUED | INDIFFERENT_OPTIONS) != 0 {
        return Err(Errno::EINVAL);
    }
    let filter = match pid {
        i32::MIN => return Err(Errno::ESRCH),
        1.. => ChildFilter::One(pid.unsigned_abs()),
        -1 => ChildFilter::Any,
        0 => ChildFilter::Group(with_current(|process| process.group().as_u32())),
        _ => ChildFilter::Group(pid.unsigned_abs()),
    };
    let patience = if options & WNOHANG != 0 {
        Patience::ReturnAtOnce
    } else {
        Patience::Wait
    };
    let Some(waited) = process::wait(filter, Interest::from_options(options), patience)? else {
        return Ok(0);
    };
    // A child that has ended is gone by now, even if the caller has nowhere to put the answer: so it is on Linux.
    process::with_memory(|space| {
        if status != 0 {
            space.write(UserSlice::new(status, 4)?, &waited.status.to_le_bytes())?;
        }
        if usage != 0 {
            space.write(UserSlice::new(usage, USAGE_BYTES as u64)?, &[0; USAGE_BYTES])?;
        }
        Ok(waited.pid.as_u32().into())
    })
}
