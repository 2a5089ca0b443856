//! UFFDIO_WRITEPROTECT: stores to pages that are there are told of, or no more.

use abi::linux::userfaultfd::{UFFDIO_WRITEPROTECT_MODE_DONTWAKE, UFFDIO_WRITEPROTECT_MODE_WP};

use super::context::ContextId;
use super::{request, wait};
use crate::errno::Errno;
use crate::mm::Guard;

pub(super) fn write_protect(id: ContextId, argument: u64) -> Result<(), Errno> {
    let [start, bytes, mode] = request::words(argument)?;
    let range = request::range(start, bytes)?;
    let (guard, wakes) = match mode {
        UFFDIO_WRITEPROTECT_MODE_WP => (Guard::On, false),
        UFFDIO_WRITEPROTECT_MODE_DONTWAKE => (Guard::Off, false),
        0 => (Guard::Off, true),
        _ => return Err(Errno::EINVAL),
    };
    let memory = id.get().memory;
    memory
        .with(|space| space.guard(range, guard))
        .ok_or(Errno::ESRCH)??;
    if wakes {
        wait::wake(id, range);
    }
    Ok(())
}
