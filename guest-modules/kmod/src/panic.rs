//! A module that cannot go on stops the machine, because it is the kernel.
#![allow(unsafe_code, reason = "hands text to the kernel")]

use core::panic::PanicInfo;

use crate::kernel;
use crate::log::Line;

#[panic_handler]
fn on_panic(info: &PanicInfo<'_>) -> ! {
    let mut line = Line::new();
    line.set(format_args!("{info}"));
    // SAFETY: the kernel only reads the text.
    unsafe { kernel::panic(line.bytes.as_ptr(), line.len) }
}
