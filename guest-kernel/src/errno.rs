//! Error numbers of system calls, as a type.

use abi::linux::errno;

use crate::mm::OutOfMemory;

/// A Linux error number; a system call returns it negated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(i32);

/// Declares the error numbers that the kernel gives.
macro_rules! errors {
    ($($name:ident)*) => {
        impl Errno {
            $(pub(crate) const $name: Self = Self(errno::$name);)*
        }
    };
}

errors! {
    EPERM ENOENT ESRCH EINTR EIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT EBUSY EEXIST ENODEV EINVAL EMFILE ENOTTY
    ESPIPE ENAMETOOLONG ENOSYS EOVERFLOW ETIMEDOUT
}

impl Errno {
    /// What RAX holds after a system call that failed.
    pub(crate) fn as_result(self) -> u64 {
        i64::from(-self.0) as u64
    }
}

impl From<OutOfMemory> for Errno {
    fn from(_: OutOfMemory) -> Self {
        Self::ENOMEM
    }
}
