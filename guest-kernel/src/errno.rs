//! Error numbers of system calls, as a type.

use core::fmt;

use abi::linux::errno;

use crate::mm::OutOfMemory;
use crate::sched::Disturbed;

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
    EFBIG ESPIPE EPIPE ENAMETOOLONG ENOSYS ENOTSOCK ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EAFNOSUPPORT ECONNRESET EISCONN
    ENOTCONN EALREADY EINPROGRESS EOVERFLOW ETIMEDOUT
}

/// How a system call ends that a signal interrupts, as a number that no program sees: on the way back it becomes EINTR, or the call is
/// made again. Always again when no handler runs after all; the numbers are Linux's.
impl Errno {
    /// Again after a handler whose action has `SA_RESTART`.
    pub(crate) const ERESTARTSYS: Self = Self(512);
    /// EINTR after a handler.
    pub(crate) const ERESTARTNOHAND: Self = Self(514);
    /// EINTR after a handler; without one the thread knows how to go on ([`crate::process::Restart`]).
    pub(crate) const ERESTART_RESTARTBLOCK: Self = Self(516);
}

impl Errno {
    /// By its number; EINVAL for one that no error has.
    pub(crate) fn from_number(number: u32) -> Self {
        let is_error = |number: &i32| (1..=errno::MAX_ERRNO).contains(&i64::from(*number));
        i32::try_from(number)
            .ok()
            .filter(is_error)
            .map_or(Self::EINVAL, Self)
    }

    pub(crate) fn number(self) -> i32 {
        self.0
    }

    /// What RAX holds after a system call that failed.
    pub(crate) fn as_result(self) -> u64 {
        i64::from(-self.0) as u64
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match errno::errno_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "error {}", self.0),
        }
    }
}

impl From<Disturbed> for Errno {
    /// As most calls have it.
    fn from(_: Disturbed) -> Self {
        Self::ERESTARTSYS
    }
}

impl From<OutOfMemory> for Errno {
    fn from(_: OutOfMemory) -> Self {
        Self::ENOMEM
    }
}
