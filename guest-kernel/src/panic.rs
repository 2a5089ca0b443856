//! The end of a kernel that cannot go on: say why, once, and stop.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::device::console;
use crate::sync::Lock;
use crate::{arch, events, log};

static STOPPING: AtomicBool = AtomicBool::new(false);
static MESSAGE: Lock<events::Text> = Lock::new(events::Text::new());

/// Reports the message and the instruction (0 if it says nothing) and stops.
pub(crate) fn stop_at(instruction: u64, message: fmt::Arguments<'_>) -> ! {
    // A fault on the way to the report must not start another one.
    if !STOPPING.swap(true, Ordering::Relaxed) {
        let mut text = MESSAGE.lock();
        text.set(message);
        events::send_panic(&text, instruction);
        if log::is_on_console() {
            console::write(b"kernel panic: ");
            console::write(text.as_bytes());
            console::write(b"\n");
        }
    }
    arch::halt_forever();
}

#[cfg(target_os = "none")]
#[panic_handler]
fn on_panic(info: &core::panic::PanicInfo<'_>) -> ! {
    stop_at(0, format_args!("{info}"));
}
