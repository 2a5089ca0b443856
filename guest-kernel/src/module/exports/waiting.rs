//! Threads of programs that wait in a module until something has changed.

use crate::fs::readiness;

pub(super) unsafe extern "C" fn changes() -> u64 {
    readiness::changes().count()
}

pub(super) unsafe extern "C" fn wait_for_change(seen: u64) -> i32 {
    match readiness::wait(readiness::Changes::from_count(seen), None) {
        Ok(_) => 0,
        Err(error) => -error.number(),
    }
}

pub(super) unsafe extern "C" fn changed() {
    readiness::changed();
}
