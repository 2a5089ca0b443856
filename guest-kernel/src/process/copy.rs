//! Copies between the kernel and the memory of the process that runs. EFAULT where there is none, be it that the process has
//! given its memory back. A page that a program is to provide is waited for: then the thread sleeps, and everything is done anew.

use super::{Table, table};
use crate::errno::Errno;
use crate::mm::{AddressSpace, Awaited, CopyError, FaultError, UserSlice};
use crate::mutant::{self, Mutant};
use crate::uffd::{self, NotWaited, Toucher};

/// Copies in. The lengths must agree.
pub(crate) fn copy_in(from: UserSlice, into: &mut [u8]) -> Result<(), Errno> {
    with_memory(|space| space.read(from, into))
}

/// Copies out. The lengths must agree.
pub(crate) fn copy_out(to: UserSlice, from: &[u8]) -> Result<(), Errno> {
    with_memory(|space| space.write(to, from))
}

/// Runs `f`, which copies, with the memory. EINTR when the process is to end before a page is there.
pub(crate) fn with_memory<R>(
    mut f: impl FnMut(&mut AddressSpace) -> Result<R, CopyError>,
) -> Result<R, Errno> {
    patiently(|table| f(table.current_process().memory().ok_or(Errno::EFAULT)?))
}

/// As [`with_memory`], with the table. Whatever `f` does before it copies it does again.
pub(crate) fn patiently<R>(mut f: impl FnMut(&mut Table) -> Result<R, CopyError>) -> Result<R, Errno> {
    loop {
        match table::with_table(&mut f) {
            Ok(result) => return Ok(result),
            Err(CopyError::Refused(error)) => return Err(error),
            Err(CopyError::Awaits(_)) if mutant::is(Mutant::UffdKernelDoesNotWait) => {
                return Err(Errno::EFAULT);
            }
            Err(CopyError::Awaits(awaited)) => wait_for_page(awaited)?,
        }
    }
}

fn wait_for_page(mut awaited: Awaited) -> Result<(), Errno> {
    loop {
        uffd::wait(awaited, Toucher::Kernel).map_err(|reason| match reason {
            NotWaited::Interrupted => Errno::EINTR,
            NotWaited::NoPage => Errno::EFAULT,
        })?;
        let (address, access) = (awaited.address, awaited.access);
        let fault = table::with_table(|table| {
            let tid = table.current();
            let memory = table.current_process().memory().ok_or(Errno::EFAULT)?;
            Ok::<_, Errno>((tid, memory.handle_fault(address, access)))
        })?;
        match fault {
            (tid, Ok(())) => {
                uffd::tell_served(tid, address.page());
                return Ok(());
            }
            (_, Err(FaultError::Awaits(next))) => awaited = next,
            (_, Err(_)) => return Err(Errno::EFAULT),
        }
    }
}
