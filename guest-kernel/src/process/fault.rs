//! What an exception means for the process that caused it.

use abi::linux::process::{SIGBUS, SIGFPE, SIGILL, SIGKILL, SIGSEGV, SIGTRAP};

use super::events;
use super::{copy_in, exit, table};
use crate::log;
use crate::mm::{Access, FaultError, UserSlice, VirtAddr};
use crate::sched::{self, Site};
use crate::uffd::{self, NotWaited, Toucher};

/// An exception in user mode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) vector: u64,
    pub(crate) error_code: u64,
    /// Address that could not be accessed; 0 if that is not what happened.
    pub(crate) address: u64,
    /// RIP.
    pub(crate) instruction: u64,
}

/// Brings the page in, or ends the process.
pub(crate) fn handle_page_fault(address: VirtAddr, access: Access, fault: Fault) {
    sched::reschedule_point(Site::Fault);
    let mut has_waited = false;
    let repair = || table::with_current(|process| process.address_space().handle_fault(address, access));
    let mut result = repair();
    while let Err(FaultError::Awaits(awaited)) = result {
        match uffd::wait(awaited, Toucher::Program) {
            Ok(()) => has_waited = true,
            // It ends on the way back to the program.
            Err(NotWaited::Ending) => return,
            Err(NotWaited::NoPage) => end_by(fault, SIGBUS),
        }
        result = repair();
    }
    match result {
        Ok(()) if has_waited => {
            let tid = table::with_table(|table| table.current());
            uffd::tell_served(tid, address.page());
        }
        Ok(()) => {}
        Err(FaultError::Awaits(_)) => unreachable!("a fault that is awaited is waited for"),
        Err(FaultError::Forbidden) => end_by_fault(fault),
        Err(FaultError::NoPage) => end_by(fault, SIGBUS),
        Err(FaultError::Unreadable(slot, error)) => {
            let pid = table::with_current(|process| process.pid);
            let (number, slot) = (pid.as_u32(), slot.as_u32());
            log::line(format_args!(
                "process {number} ends: its page {:?} cannot be read from page {slot} of the disk: {error}",
                address.page()
            ));
            events::fatal_fault(pid, fault);
            exit::end(SIGBUS);
        }
        Err(FaultError::OutOfMemory) => {
            let pid = table::with_current(|process| process.pid.as_u32());
            log::line(format_args!(
                "out of memory: killed process {pid} at its access to {address:?}"
            ));
            exit::end(SIGKILL);
        }
    }
}

/// Ends the process with the signal that Linux has for the exception.
pub(crate) fn end_by_fault(fault: Fault) -> ! {
    end_by(fault, signal_of(fault.vector));
}

fn end_by(fault: Fault, signal: u32) -> ! {
    // Somebody may have ended the process before the fault was looked at: then that is what ends it.
    exit::end_if_told();
    let pid = table::with_current(|process| process.pid);
    events::fatal_fault(pid, fault);
    exit::end(signal);
}

/// After a fault of code that the kernel runs for the process: when the thread comes out of the kernel, and has given back what it
/// holds there, the process ends as if it had done that itself.
pub(crate) fn end_after_fault(fault: Fault) {
    let pid = table::with_table(|table| {
        let pid = table.current_process().pid;
        events::fatal_fault(pid, fault);
        exit::begin_to_end(table, pid, SIGSEGV);
        pid.as_u32()
    });
    log::line(format_args!(
        "process {pid} ends: its function faulted in the kernel, exception {} with error code {:#x}",
        fault.vector, fault.error_code
    ));
}

/// Reads from the memory of the process that runs, into the place given.
pub(crate) fn read_current<const BYTES: usize>(mut into: [u8; BYTES], from: u64) -> Option<[u8; BYTES]> {
    let slice = UserSlice::new(from, BYTES as u64).ok()?;
    copy_in(slice, &mut into).ok()?;
    Some(into)
}

fn signal_of(vector: u64) -> u32 {
    match vector {
        // Divide error, floating-point errors.
        0 | 16 | 19 => SIGFPE,
        // Debug, breakpoint.
        1 | 3 => SIGTRAP,
        // Invalid opcode; no floating-point unit, because the kernel keeps it switched off.
        6 | 7 => SIGILL,
        // Segment not present, stack segment, alignment check.
        11 | 12 | 17 => SIGBUS,
        _ => SIGSEGV,
    }
}

#[cfg(test)]
mod tests {
    use super::{SIGFPE, SIGILL, SIGSEGV, signal_of};

    #[test]
    fn exceptions_become_the_signals_that_linux_has_for_them() {
        assert_eq!([0, 6, 13, 14].map(signal_of), [SIGFPE, SIGILL, SIGSEGV, SIGSEGV]);
    }
}
