//! System calls on threads.

use abi::linux::process::{
    ARCH_GET_FS, ARCH_SET_FS, FUTEX_CLOCK_REALTIME, FUTEX_PRIVATE_FLAG, FUTEX_WAIT, FUTEX_WAIT_BITSET,
    FUTEX_WAKE, FUTEX_WAKE_BITSET,
};
use abi::paging::USER_END;

use super::time::read_time;
use crate::arch::TrapFrame;
use crate::errno::Errno;
use crate::mm::UserSlice;
use crate::process::{self, with_thread};
use crate::sched::{self, Moment, futex};

pub(super) fn clone(
    flags: u64,
    stack: u64,
    parent_tid: u64,
    child_tid: u64,
    tls: u64,
    frame: &mut TrapFrame,
) -> Result<u64, Errno> {
    process::clone(flags, stack, parent_tid, child_tid, tls, frame)
}

pub(super) fn gettid() -> Result<u64, Errno> {
    Ok(with_thread(|thread| thread.tid().as_u32().into()))
}

pub(super) fn set_tid_address(address: u64) -> Result<u64, Errno> {
    with_thread(|thread| thread.set_clear_at_end(address));
    gettid()
}

pub(super) fn arch_prctl(code: u64, address: u64) -> Result<u64, Errno> {
    match code {
        ARCH_SET_FS if address >= USER_END => Err(Errno::EPERM),
        ARCH_SET_FS => {
            with_thread(|thread| thread.user_state().set_fs_base(address));
            Ok(0)
        }
        ARCH_GET_FS => {
            let base = with_thread(|thread| thread.user_state().fs_base());
            let to = UserSlice::new(address, 8)?;
            process::copy_out(to, &base.to_le_bytes()).map(|()| 0)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// All futexes are looked up the same way, private or not.
pub(super) fn futex(
    word: u64,
    operation: u64,
    value: u64,
    timeout: u64,
    _other_word: u64,
    classes: u64,
) -> Result<u64, Errno> {
    // Operation and value are C ints.
    let (value, classes) = (value as u32, classes as u32);
    let deadline = |base: Moment| match timeout {
        0 => Ok(None),
        address => read_time(address).map(|nanoseconds| Some(base.plus(nanoseconds))),
    };
    match operation & !(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME) {
        FUTEX_WAIT => futex::wait(word, value, deadline(sched::now())?, futex::ANY_CLASS).map(|()| 0),
        FUTEX_WAIT_BITSET if classes == 0 => Err(Errno::EINVAL),
        FUTEX_WAIT_BITSET => futex::wait(word, value, deadline(Moment::START)?, classes).map(|()| 0),
        FUTEX_WAKE => futex::wake(word, value.into(), futex::ANY_CLASS),
        FUTEX_WAKE_BITSET if classes == 0 => Err(Errno::EINVAL),
        FUTEX_WAKE_BITSET => futex::wake(word, value.into(), classes),
        _ => Err(Errno::ENOSYS),
    }
}
