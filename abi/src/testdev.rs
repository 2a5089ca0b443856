//! The test device: a driver without hardware, for programs to try what a driver can do. It is there when
//! [`CMDLINE_TESTDEV`](crate::boot::CMDLINE_TESTDEV) is on the kernel's command line.
//!
//! `/dev/testdev` is [`PAGES`] pages of memory, to be read, written and mapped. Where an area begins says how the driver maps it:
//!
//! | page of the file | pages of the memory | how |
//! |---|---|---|
//! | 0 | from the first | all at once, when it is mapped |
//! | [`SCATTERED`] | from the last, backwards | one by one, when it is mapped |
//! | [`ON_FAULT`] | from the first | each with its first access |
//!
//! `/proc/testdev` tells what the driver was asked for, and takes commands: [`REGISTER`], [`UNREGISTER`], [`PUBLISH`],
//! [`WITHDRAW`].

/// Name of the device, and of the file in `/proc`.
pub const NAME: &str = "testdev";
/// Name under which the device's memory is in `/proc` too, between [`PUBLISH`] and [`WITHDRAW`].
pub const PROC_NAME: &str = "testdev-memory";
/// Pages of its memory.
pub const PAGES: u64 = 4;
/// First page of the file that is mapped one page at a time.
pub const SCATTERED: u64 = 16;
/// First page of the file that is mapped by faults.
pub const ON_FAULT: u64 = 32;

/// ioctl: fill a page; the argument is the address of two 64-bit words, the number of the page and the byte.
pub const FILL: u32 = 0x4010_7401;

/// ioctl: how many bytes were written through this open file description.
pub const WRITTEN: u32 = 0x7402;

/// Command: register the device, EEXIST if it is.
pub const REGISTER: &str = "register";
/// Command: take it away, EBUSY while it is open or mapped.
pub const UNREGISTER: &str = "unregister";
/// Command: have the memory in `/proc` too, EEXIST if it is.
pub const PUBLISH: &str = "publish";
/// Command: no longer, EBUSY while it is open or mapped.
pub const WITHDRAW: &str = "withdraw";
