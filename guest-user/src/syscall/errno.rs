//! How a system call fails.

use core::fmt;

use abi::linux::errno::{MAX_ERRNO, errno_name};

/// An error number, positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

impl fmt::Display for Errno {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match errno_name(self.0) {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "errno {}", self.0),
        }
    }
}

/// How a call went, for people: `ok`, or the error's name. What a successful call gives is often an address, which is
/// the kernel's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome(Result<(), Errno>);

impl<T> From<Result<T, Errno>> for Outcome {
    fn from(result: Result<T, Errno>) -> Self {
        Self(result.map(drop))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(()) => formatter.write_str("ok"),
            Err(errno) => errno.fmt(formatter),
        }
    }
}

/// Whether a call went as is right, for people: that it did, or what came instead.
pub fn as_it_should_be<T, U>(found: Result<T, Errno>, right: Result<U, Errno>) -> impl fmt::Display {
    let (found, right) = (Outcome::from(found), Outcome::from(right));
    fmt::from_fn(move |formatter| {
        if found == right {
            formatter.write_str("as it should be")
        } else {
            write!(formatter, "{found}, not {right}")
        }
    })
}

/// Takes apart what a system call left in RAX.
pub fn from_raw(result: i64) -> Result<u64, Errno> {
    if (-MAX_ERRNO..0).contains(&result) {
        Err(Errno(-result as i32))
    } else {
        Ok(result as u64)
    }
}

/// The value that the system call left in RAX.
#[must_use]
pub fn to_raw(result: Result<u64, Errno>) -> i64 {
    match result {
        Ok(value) => value as i64,
        Err(errno) => -i64::from(errno.0),
    }
}
