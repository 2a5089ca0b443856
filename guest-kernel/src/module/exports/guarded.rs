//! A module runs code for a process.

use super::code;
use crate::arch;
use crate::errno::Errno;

pub(super) unsafe extern "C" fn call_guarded(
    function: extern "C" fn() -> i32,
    start: *const u8,
    bytes: usize,
    result: *mut i32,
) -> i32 {
    let start = start as u64;
    let bounds = start..start.saturating_add(bytes as u64);
    // SAFETY: the module answers for the function, as for all that it has the kernel do.
    let Some(returned) = (unsafe { arch::call_guarded(function, bounds) }) else {
        return code(Err(Errno::EFAULT));
    };
    // SAFETY: the module says that there is room for a result.
    unsafe { result.write(returned) };
    0
}
