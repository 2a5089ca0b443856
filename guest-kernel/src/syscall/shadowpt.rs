//! The five calls of the shadow page table. Their numbers lie together, and where is chosen at boot.

use core::sync::atomic::{AtomicU64, Ordering};

use abi::shadowpt::{BASE_NUMBER, CLOSE, OPEN, PAGE_CONTENTS, START, STOP};

use crate::arch::TrapFrame;
use crate::errno::Errno;
use crate::shadowpt;

static BASE: AtomicU64 = AtomicU64::new(BASE_NUMBER);

/// From now on the first of the calls has this number.
pub(crate) fn set_shadowpt_base(number: u64) {
    BASE.store(number, Ordering::Relaxed);
}

/// The call, if it is one of the five.
pub(super) fn call(frame: &TrapFrame) -> Result<u64, Errno> {
    let [first, second, ..] = frame.system_call_arguments();
    let offset = frame
        .system_call_number()
        .wrapping_sub(BASE.load(Ordering::Relaxed));
    match offset {
        // A process id is a C int.
        OPEN => shadowpt::open(first as i32, second),
        CLOSE => shadowpt::close(),
        START => shadowpt::start(),
        STOP => shadowpt::stop(),
        PAGE_CONTENTS => shadowpt::page_contents(first, second),
        _ => Err(Errno::ENOSYS),
    }
    .map(|()| 0)
}
