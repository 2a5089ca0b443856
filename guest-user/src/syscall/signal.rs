//! Signals that a program blocks and waits for, or sends.
#![allow(unsafe_code, reason = "system calls that take structures")]

use core::fmt;

use abi::linux::process::signal_name;
use abi::linux::signal::{
    SI_CODE_OFFSET, SI_PID_OFFSET, SI_STATUS_OFFSET, SI_UID_OFFSET, SIG_BLOCK, SIG_UNBLOCK, SIGINFO_BYTES,
    SIGSET_BYTES,
};
use abi::linux::syscall as number;

use super::errno::Errno;
use super::process;
use super::raw::syscall;
use super::time::Timespec;
use crate::Span;

/// A set of signals: signal `n` is bit `n - 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalSet(pub u64);

impl SignalSet {
    /// The set of these.
    #[must_use]
    pub fn of(signals: &[u32]) -> Self {
        Self(signals.iter().map(|signal| 1 << (signal - 1)).sum())
    }

    /// Whether the signal is in it.
    #[must_use]
    pub fn contains(self, signal: u32) -> bool {
        self.0 & 1 << (signal - 1) != 0
    }
}

/// A signal that was taken, and what the kernel tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its number.
    pub signal: u32,
    /// Why it was sent: a code of [`abi::linux::signal`].
    pub code: i32,
    /// The process that sent it, or the child that ended.
    pub pid: i32,
    /// The user of that process.
    pub uid: u32,
    /// How the child ended.
    pub status: i32,
}

impl fmt::Display for Taken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        SignalName(self.signal).fmt(formatter)
    }
}

/// A signal's name, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalName(pub u32);

impl fmt::Display for SignalName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signal_name(self.0) {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "signal {}", self.0),
        }
    }
}

/// Sends the calling process a signal.
///
/// # Panics
///
/// When there is no such signal.
pub fn send_self(signal: u32) {
    process::kill(process::process_id(), signal.into()).expect("kill");
}

/// rt_sigprocmask: adds the set to the mask, and gives the mask from before.
pub fn block(set: SignalSet) -> Result<SignalSet, Errno> {
    change_mask(SIG_BLOCK, set)
}

/// rt_sigprocmask: takes the set out of the mask, and gives the mask from before.
pub fn unblock(set: SignalSet) -> Result<SignalSet, Errno> {
    change_mask(SIG_UNBLOCK, set)
}

/// rt_sigprocmask(how, set): the mask from before.
pub fn change_mask(how: u64, set: SignalSet) -> Result<SignalSet, Errno> {
    let mut old = SignalSet::default();
    let arguments = [how, &raw const set.0 as u64, &raw mut old.0 as u64, SIGSET_BYTES];
    // SAFETY: the kernel reads `set` and writes to `old` alone.
    unsafe { syscall(number::RT_SIGPROCMASK, arguments) }?;
    Ok(old)
}

/// rt_sigprocmask(how, no set): puts the mask into memory that need not be there.
pub fn read_mask_into(place: Span) -> Result<(), Errno> {
    let place = place.part(0, SIGSET_BYTES);
    // SAFETY: no Rust object lies in a span.
    unsafe {
        syscall(
            number::RT_SIGPROCMASK,
            [SIG_BLOCK, 0, place.address(), SIGSET_BYTES],
        )
    }
    .map(drop)
}

/// rt_sigtimedwait: takes a signal of the set, which should be blocked; EAGAIN when none has come after `timeout`.
pub fn wait_for(set: SignalSet, timeout: Option<Timespec>) -> Result<Taken, Errno> {
    let mut info = [0; SIGINFO_BYTES];
    let timeout = timeout
        .as_ref()
        .map_or(0, |time| core::ptr::from_ref(time) as u64);
    let arguments = [
        &raw const set.0 as u64,
        info.as_mut_ptr() as u64,
        timeout,
        SIGSET_BYTES,
    ];
    // SAFETY: the kernel reads set and time, and writes to `info` alone.
    let signal = unsafe { wait_at(arguments) }?;
    let word = |offset: usize| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&info[offset..offset + 4]);
        i32::from_le_bytes(bytes)
    };
    Ok(Taken {
        signal: signal as u32,
        code: word(SI_CODE_OFFSET),
        pid: word(SI_PID_OFFSET),
        uid: word(SI_UID_OFFSET).cast_unsigned(),
        status: word(SI_STATUS_OFFSET),
    })
}

/// rt_sigtimedwait(set, info, timeout, size), with addresses at which there need be nothing: the signal's number.
///
/// # Safety
///
/// No Rust object lies at the address for the info.
pub unsafe fn wait_at(arguments: [u64; 4]) -> Result<u64, Errno> {
    // SAFETY: the caller says that nothing of Rust's is overwritten.
    unsafe { syscall(number::RT_SIGTIMEDWAIT, arguments) }
}

/// rt_sigpending: signals that wait.
pub fn pending() -> Result<SignalSet, Errno> {
    let mut set = SignalSet::default();
    // SAFETY: the kernel writes to `set` alone.
    unsafe { syscall(number::RT_SIGPENDING, [&raw mut set.0 as u64, SIGSET_BYTES]) }?;
    Ok(set)
}

/// rt_sigpending into memory that need not be there, with a set of any size.
pub fn pending_into(place: Span, set_bytes: u64) -> Result<u64, Errno> {
    // SAFETY: no Rust object lies in a span.
    unsafe { syscall(number::RT_SIGPENDING, [place.address(), set_bytes]) }
}

/// rt_sigsuspend(mask, size): waits for a signal with that mask. There is always an error: EINTR after a handler.
pub fn suspend(mask: SignalSet, set_bytes: u64) -> Result<u64, Errno> {
    // SAFETY: the kernel reads the mask alone.
    unsafe { syscall(number::RT_SIGSUSPEND, [&raw const mask.0 as u64, set_bytes]) }
}

/// pause(): waits for a signal that has a handler.
pub fn pause() -> Result<u64, Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::PAUSE, []) }
}

/// tkill(tid, signal)
pub fn send_to_any_thread(tid: i32, signal: u32) -> Result<u64, Errno> {
    // SAFETY: as for `send_to_thread`.
    unsafe { syscall(number::TKILL, [tid as u64, signal.into()]) }
}

/// tgkill(pid, tid, signal)
pub fn send_to_thread(pid: i32, tid: i32, signal: u32) -> Result<u64, Errno> {
    // SAFETY: a signal ends the process, waits, does nothing, or has a handler run, which keeps off what Rust objects hold.
    unsafe { syscall(number::TGKILL, [pid as u64, tid as u64, signal.into()]) }
}
