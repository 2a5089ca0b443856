//! Kernel messages: to whoever listens to the kernel's events, and to the console when the command line asks for it or nobody listens.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::events;
use crate::sync::Lock;

static VERBOSE: AtomicBool = AtomicBool::new(false);
static LINE: Lock<events::Text> = Lock::new(events::Text::new());
/// Without one, what would go there is lost.
static CONSOLE: Lock<Option<Console>> = Lock::new(None);

/// Writes bytes to a console.
type Console = fn(&[u8]);

/// Messages may go to this console.
pub(crate) fn set_console(write: Console) {
    *CONSOLE.lock() = Some(write);
}

/// Messages go to the console too from now on.
pub(crate) fn set_verbose() {
    VERBOSE.store(true, Ordering::Relaxed);
}

/// Whether messages belong on the console.
pub(crate) fn is_on_console() -> bool {
    VERBOSE.load(Ordering::Relaxed) || !events::is_listening()
}

/// Writes one line.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let mut line = LINE.lock();
    line.set(text);
    events::send_log(&line);
    let console = *CONSOLE.lock();
    if is_on_console()
        && let Some(write) = console
    {
        write(line.as_bytes());
        write(b"\n");
    }
}
