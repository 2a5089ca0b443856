//! Error numbers (`asm-generic/errno-base.h`, `asm-generic/errno.h`). A failed call returns the negated number.

use crate::named_numbers;

named_numbers! {
    /// Name of an error number.
    errno_name: i32 {
        /// Operation not permitted.
        EPERM = 1;
        /// No such file or directory.
        ENOENT = 2;
        /// No such process.
        ESRCH = 3;
        /// Interrupted system call.
        EINTR = 4;
        /// Input/output error.
        EIO = 5;
        /// No such device or address.
        ENXIO = 6;
        /// Argument list too long.
        E2BIG = 7;
        /// Exec format error.
        ENOEXEC = 8;
        /// Bad file descriptor.
        EBADF = 9;
        /// No child processes.
        ECHILD = 10;
        /// Try again.
        EAGAIN = 11;
        /// Out of memory.
        ENOMEM = 12;
        /// Permission denied.
        EACCES = 13;
        /// Bad address.
        EFAULT = 14;
        /// Device or resource busy.
        EBUSY = 16;
        /// File exists.
        EEXIST = 17;
        /// No such device.
        ENODEV = 19;
        /// Not a directory.
        ENOTDIR = 20;
        /// Is a directory.
        EISDIR = 21;
        /// Invalid argument.
        EINVAL = 22;
        /// Too many open files.
        EMFILE = 24;
        /// Inappropriate ioctl for the device.
        ENOTTY = 25;
        /// File too large.
        EFBIG = 27;
        /// Illegal seek.
        ESPIPE = 29;
        /// Broken pipe: nobody receives what is sent.
        EPIPE = 32;
        /// File name too long.
        ENAMETOOLONG = 36;
        /// Function not implemented.
        ENOSYS = 38;
        /// Value too large for defined data type.
        EOVERFLOW = 75;
        /// Socket operation on something else.
        ENOTSOCK = 88;
        /// Protocol not available.
        ENOPROTOOPT = 92;
        /// Protocol not supported.
        EPROTONOSUPPORT = 93;
        /// Socket type not supported.
        ESOCKTNOSUPPORT = 94;
        /// Operation not supported.
        EOPNOTSUPP = 95;
        /// Address family not supported.
        EAFNOSUPPORT = 97;
        /// Network is unreachable.
        ENETUNREACH = 101;
        /// Connection reset by peer.
        ECONNRESET = 104;
        /// Is connected.
        EISCONN = 106;
        /// Is not connected.
        ENOTCONN = 107;
        /// The time is over.
        ETIMEDOUT = 110;
        /// Connection refused.
        ECONNREFUSED = 111;
        /// Already under way.
        EALREADY = 114;
        /// Now under way.
        EINPROGRESS = 115;
    }
}

/// Largest error number that a system call may return: results from `-MAX_ERRNO` to -1 are failures.
pub const MAX_ERRNO: i64 = 4095;
