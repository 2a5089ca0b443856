//! UFFDIO_REGISTER and UFFDIO_UNREGISTER: whose faults in a range are.

use abi::linux::userfaultfd::{
    RANGE_IOCTL_COPY, RANGE_IOCTL_WAKE, RANGE_IOCTL_WRITEPROTECT, RANGE_IOCTL_ZEROPAGE,
    UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP,
};

use super::context::ContextId;
use super::events;
use super::{request, wait};
use crate::errno::Errno;
use crate::mm::WatchModes;
use crate::mutant::{self, Mutant};

/// Index of the word for the answer.
const IOCTLS: u64 = 3;

pub(super) fn register(id: ContextId, argument: u64) -> Result<(), Errno> {
    let [start, bytes, mode] = request::words(argument)?;
    if mode == 0 || mode & !(UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP) != 0 {
        return Err(Errno::EINVAL);
    }
    let range = request::range(start, bytes)?;
    let modes = WatchModes {
        missing: mode & UFFDIO_REGISTER_MODE_MISSING != 0,
        write_protected: mode & UFFDIO_REGISTER_MODE_WP != 0,
    };
    let memory = id.get().memory;
    // Memory that is gone is ENOMEM to Linux.
    memory
        .with(|space| space.watch(range, id, modes))
        .ok_or(Errno::ENOMEM)??;
    events::registered(memory.pid(), range, mode);
    let mut ioctls = RANGE_IOCTL_WAKE | RANGE_IOCTL_COPY | RANGE_IOCTL_ZEROPAGE;
    if modes.write_protected {
        ioctls |= RANGE_IOCTL_WRITEPROTECT;
    }
    request::answer(argument, IOCTLS, ioctls)
}

pub(super) fn unregister(id: ContextId, argument: u64) -> Result<(), Errno> {
    let [start, bytes] = request::words(argument)?;
    let range = request::range(start, bytes)?;
    let memory = id.get().memory;
    memory
        .with(|space| space.unwatch(range, id))
        .ok_or(Errno::ENOMEM)??;
    events::registered(memory.pid(), range, 0);
    if !mutant::is(Mutant::UffdUnregisterLosesWaiter) {
        wait::wake(id, range);
    }
    Ok(())
}
