//! Whether anybody waits for the network. Waiting for other files does not count: the device would wait for servers in vain.

use core::sync::atomic::{AtomicUsize, Ordering};

static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Somebody waits, as long as this is there.
pub(crate) struct Awaited(());

impl Awaited {
    pub(crate) fn new() -> Self {
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
