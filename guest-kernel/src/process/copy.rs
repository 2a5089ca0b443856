//! Copies between the kernel and the memory of the process that runs. EFAULT where there is none, be it that the process has
//! given its memory back.

use super::table;
use crate::errno::Errno;
use crate::mm::UserSlice;

/// Copies in. The lengths must agree.
pub(crate) fn copy_in(from: UserSlice, into: &mut [u8]) -> Result<(), Errno> {
    table::with_current(|process| process.memory().ok_or(Errno::EFAULT)?.read(from, into))
}

/// Copies out. The lengths must agree.
pub(crate) fn copy_out(to: UserSlice, from: &[u8]) -> Result<(), Errno> {
    table::with_current(|process| process.memory().ok_or(Errno::EFAULT)?.write(to, from))
}
