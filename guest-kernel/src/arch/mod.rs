//! The processor. `x86_64` is the only one there is; the rest of the kernel names it through this module.

mod x86_64;

pub(crate) use x86_64::*;
