//! Threads of programs that wait in a module until something has changed.

use super::code;
use crate::errno::Errno;
use crate::fs::readiness;

pub(super) unsafe extern "C" fn changes() -> u64 {
    readiness::changes().count()
}

pub(super) unsafe extern "C" fn wait_for_change(seen: u64) -> i32 {
    let woken = readiness::wait(readiness::Changes::from_count(seen), None);
    code(woken.map(drop).map_err(Errno::from))
}

pub(super) unsafe extern "C" fn changed() {
    readiness::changed();
}
