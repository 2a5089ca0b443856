//! Kernel messages: to the VMM's log, and to the serial console when the command line asks for it or nobody listens.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::device::{console, events};
use crate::sync::Lock;

static VERBOSE: AtomicBool = AtomicBool::new(false);
static LINE: Lock<events::Text> = Lock::new(events::Text::new());

/// Messages go to the serial console too from now on.
pub(crate) fn set_verbose() {
    VERBOSE.store(true, Ordering::Relaxed);
}

/// Whether messages belong on the serial console.
pub(crate) fn is_on_console() -> bool {
    VERBOSE.load(Ordering::Relaxed) || !events::is_listening()
}

/// Writes one line.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let mut line = LINE.lock();
    line.set(text);
    events::send_log(&line);
    if is_on_console() {
        console::write(line.as_bytes());
        console::write(b"\n");
    }
}
