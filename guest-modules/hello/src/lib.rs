//! The smallest module: it says when it comes and when it goes, and how often it has been asked to come.

#![no_std]

use core::sync::atomic::{AtomicU32, Ordering};

use kmod::{Errno, log, module};

module! {
    name: "hello",
    init: init,
    exit: exit,
}

/// Data of the module's own, which is new each time it is loaded.
static CALLS: AtomicU32 = AtomicU32::new(0);

fn init() -> Result<(), Errno> {
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    log!("hello: init, call {calls}");
    Ok(())
}

fn exit() {
    log!("hello: exit");
}
