//! What happens when a program finds that something cannot be.

use core::panic::PanicInfo;

use crate::{output, syscall};

/// Exit status of a program that panicked; the one that Rust's standard library uses.
const PANIC_STATUS: i32 = 101;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    output::write_text(output::STANDARD_ERROR, format_args!("{info}\n"));
    syscall::process::exit(PANIC_STATUS)
}
