//! Whether anybody waits for the network. Waiting for other files does not count: the device would wait for servers in vain.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static WAITING: AtomicUsize = AtomicUsize::new(0);
/// A socket was asked what it is ready for, and was not ready for everything.
static POLLED: AtomicBool = AtomicBool::new(false);

/// Somebody waits, as long as this is there.
pub(crate) struct Awaited(());

impl Awaited {
    pub(super) fn new() -> Self {
        WAITING.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(crate) fn is_awaited() -> bool {
    WAITING.load(Ordering::Relaxed) > 0
}

pub(super) fn note_polled() {
    POLLED.store(true, Ordering::Relaxed);
}

/// For poll, before it asks its files: what others have asked of sockets is not its business.
pub(crate) fn forget_polled() {
    POLLED.store(false, Ordering::Relaxed);
}

/// For poll, when nothing is ready: it waits for the network if there was a socket among the files.
pub(crate) fn await_if_polled() -> Option<Awaited> {
    POLLED.swap(false, Ordering::Relaxed).then(Awaited::new)
}
