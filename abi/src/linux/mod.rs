//! Numbers of Linux's x86-64 system-call ABI, for the calls that the guest kernel has. Source of each: the kernel's uapi
//! headers, named in the module.

pub mod errno;
pub mod mman;
pub mod pagemap;
pub mod poll;
pub mod process;
pub mod signal;
pub mod socket;
pub mod syscall;
pub mod userfaultfd;
