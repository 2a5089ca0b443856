//! Waiting until files are ready (`asm-generic/poll.h`).

/// There is something to read.
pub const POLLIN: u16 = 0x001;
/// Something urgent is.
pub const POLLPRI: u16 = 0x002;
/// Writing would not wait.
pub const POLLOUT: u16 = 0x004;
/// The file is in error; told whether asked for or not.
pub const POLLERR: u16 = 0x008;
/// The other side is gone; told whether asked for or not.
pub const POLLHUP: u16 = 0x010;
/// There is no such descriptor; told whether asked for or not.
pub const POLLNVAL: u16 = 0x020;
/// As [`POLLIN`].
pub const POLLRDNORM: u16 = 0x040;
/// As [`POLLOUT`].
pub const POLLWRNORM: u16 = 0x100;

/// The other side sends no more.
pub const POLLRDHUP: u16 = 0x2000;

/// `struct pollfd`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollFd {
    /// Descriptor; a negative one is passed over.
    pub fd: i32,
    /// What is asked for.
    pub events: u16,
    /// Answer.
    pub revents: u16,
}
/// Bytes of a [`PollFd`], and where the answer is in it.
pub const POLL_FD_BYTES: usize = 8;
/// See [`POLL_FD_BYTES`].
pub const REVENTS_OFFSET: usize = 6;
const _: () = assert!(size_of::<PollFd>() == POLL_FD_BYTES);
const _: () = assert!(core::mem::offset_of!(PollFd, events) == 4);
const _: () = assert!(core::mem::offset_of!(PollFd, revents) == REVENTS_OFFSET);
