//! Sockets (`linux/socket.h`, `linux/vm_sockets.h`).

/// Family: on this machine, by a path.
pub const AF_UNIX: u16 = 1;
/// Family: IPv4.
pub const AF_INET: u16 = 2;
/// Family: between a virtual machine and its host.
pub const AF_VSOCK: u16 = 40;

/// Type: a stream of bytes.
pub const SOCK_STREAM: u64 = 1;
/// Flag of the type: execve closes it.
pub const SOCK_CLOEXEC: u64 = 0o2_000_000;

/// Flag of a send: no SIGPIPE.
pub const MSG_NOSIGNAL: u64 = 0x4000;
