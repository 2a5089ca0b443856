//! A module runs code for a process.

use super::code;
use crate::arch;
use crate::errno::Errno;

pub(super) unsafe extern "C" fn call_guarded(function: extern "C" fn() -> i32, result: *mut i32) -> i32 {
    let Some(returned) = arch::call_guarded(function) else {
        return code(Err(Errno::EFAULT));
    };
    // SAFETY: the module says that there is room for a result.
    unsafe { result.write(returned) };
    0
}
