//! What a call on a file does that cannot be done at once.

use abi::linux::syscall::O_NONBLOCK;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It waits.
    Waits,
    /// It fails.
    None,
}

impl Patience {
    /// Of open's flags.
    pub(crate) fn from_flags(flags: u64) -> Self {
        if flags & O_NONBLOCK == 0 {
            Self::Waits
        } else {
            Self::None
        }
    }
}
