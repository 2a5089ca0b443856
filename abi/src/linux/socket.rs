//! Sockets (`linux/socket.h`, `asm-generic/socket.h`, `linux/net.h`, `linux/vm_sockets.h`).

/// Address family: Unix sockets.
pub const AF_UNIX: u16 = 1;
/// Address family: IPv4.
pub const AF_INET: u16 = 2;
/// Address family: between virtual machines and their hosts.
pub const AF_VSOCK: u16 = 40;
/// Families are numbered below this.
pub const AF_MAX: u16 = 46;

/// socket: a stream of bytes.
pub const SOCK_STREAM: u32 = 1;
/// socket: datagrams.
pub const SOCK_DGRAM: u32 = 2;
/// socket: types are numbered below this.
pub const SOCK_MAX: u32 = 11;
/// socket: mask of the type; what is above it are flags.
pub const SOCK_TYPE_MASK: u32 = 0xf;
/// socket: close on exec.
pub const SOCK_CLOEXEC: u32 = 0o2_000_000;
/// socket: do not wait.
pub const SOCK_NONBLOCK: u32 = 0o4_000;

/// send, recv: urgent data.
pub const MSG_OOB: u32 = 1;
/// recv: leave the data where it is.
pub const MSG_PEEK: u32 = 2;
/// send, recv: do not wait.
pub const MSG_DONTWAIT: u32 = 0x40;
/// recv: wait for all that was asked for.
pub const MSG_WAITALL: u32 = 0x100;
/// send: no SIGPIPE.
pub const MSG_NOSIGNAL: u32 = 0x4000;

/// shutdown: receive no more.
pub const SHUT_RD: u32 = 0;
/// shutdown: send no more.
pub const SHUT_WR: u32 = 1;
/// shutdown: both.
pub const SHUT_RDWR: u32 = 2;

/// getsockopt: options of sockets of all families.
pub const SOL_SOCKET: u32 = 1;
/// getsockopt: the type.
pub const SO_TYPE: u32 = 3;
/// getsockopt: the error that waits to be told.
pub const SO_ERROR: u32 = 4;

/// ioctl: whether to wait; the argument is the address of an int (`asm-generic/ioctls.h`).
pub const FIONBIO: u32 = 0x5421;

/// Longest address, in bytes.
pub const MAX_ADDRESS_BYTES: u64 = 128;

/// `struct sockaddr_vm`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SockaddrVm {
    /// [`AF_VSOCK`].
    pub family: u16,
    /// 0.
    pub reserved: u16,
    /// Port.
    pub port: u32,
    /// Context identifier.
    pub cid: u32,
    /// 0.
    pub flags: u8,
    /// 0.
    pub zero: [u8; 3],
}

/// Bytes of a [`SockaddrVm`], and where its fields are.
pub const SOCKADDR_VM_BYTES: usize = 16;
/// See [`SOCKADDR_VM_BYTES`].
pub const SOCKADDR_VM_PORT: usize = 4;
/// See [`SOCKADDR_VM_BYTES`].
pub const SOCKADDR_VM_CID: usize = 8;
const _: () = assert!(size_of::<SockaddrVm>() == SOCKADDR_VM_BYTES);
const _: () = assert!(core::mem::offset_of!(SockaddrVm, port) == SOCKADDR_VM_PORT);
const _: () = assert!(core::mem::offset_of!(SockaddrVm, cid) == SOCKADDR_VM_CID);
