//! Error numbers.

use core::fmt;

use abi::linux::errno;

/// An error number, positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(i32);

impl Errno {
    /// Operation not permitted.
    pub const EPERM: Self = Self(errno::EPERM);
    /// Input/output error.
    pub const EIO: Self = Self(errno::EIO);
    /// Out of memory.
    pub const ENOMEM: Self = Self(errno::ENOMEM);
    /// Bad address.
    pub const EFAULT: Self = Self(errno::EFAULT);
    /// Device or resource busy.
    pub const EBUSY: Self = Self(errno::EBUSY);
    /// Invalid argument.
    pub const EINVAL: Self = Self(errno::EINVAL);
    /// No such device, or not one that can do that.
    pub const ENODEV: Self = Self(errno::ENODEV);
    /// Inappropriate ioctl for the device.
    pub const ENOTTY: Self = Self(errno::ENOTTY);

    /// The number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Takes apart what a function of the kernel returned: 0, or a negated error number.
    pub(crate) fn check(result: i32) -> Result<(), Self> {
        if result < 0 { Err(Self(-result)) } else { Ok(()) }
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
