//! What an exception means for the process that caused it.

use abi::linux::process::{SIGBUS, SIGFPE, SIGILL, SIGKILL, SIGSEGV, SIGTRAP};

use abi::linux::signal::{
    BUS_ADRALN, BUS_ADRERR, FPE_FLTDIV, FPE_FLTINV, FPE_FLTOVF, FPE_FLTRES, FPE_FLTUND, FPE_INTDIV,
    ILL_ILLOPN, SEGV_ACCERR, SEGV_MAPERR, SI_KERNEL, TRAP_TRACE,
};

use super::events;
use super::signal::{Origin, Signal};
use super::{copy_in, exit, signal, table};
use crate::log;
use crate::mm::{Access, FaultError, UserSlice, VirtAddr};
use crate::mutant::{self, Mutant};
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

impl Fault {
    /// As a handler's frame has it.
    pub(super) fn words(self) -> [u64; 3] {
        [self.vector, self.error_code, self.address]
    }
}

/// What a program is told of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cause {
    signal: u32,
    /// `si_code`
    code: i32,
    /// `si_addr`
    address: u64,
}

/// Brings the page in, or has a signal say that it cannot be had.
pub(crate) fn handle_page_fault(address: VirtAddr, access: Access, fault: Fault) {
    sched::reschedule_point(Site::Fault);
    if mutant::is(Mutant::FaultGivesWay) {
        sched::yield_now();
    }
    let mut has_waited = false;
    let repair = || table::with_current(|process| process.address_space().handle_fault(address, access));
    let mut result = repair();
    while let Err(FaultError::Awaits(awaited)) = result {
        match uffd::wait(awaited, Toucher::Program) {
            Ok(()) => has_waited = true,
            // It ends, or takes its signal, on the way back to the program.
            Err(NotWaited::Interrupted) => return,
            Err(NotWaited::NoPage) => return raise_for(fault, no_page(address)),
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
        Err(FaultError::Forbidden) => {
            let is_mapped = table::with_current(|process| process.address_space().is_mapped(address));
            let code = if is_mapped { SEGV_ACCERR } else { SEGV_MAPERR };
            raise_for(
                fault,
                Cause {
                    signal: SIGSEGV,
                    code,
                    address: address.as_u64(),
                },
            );
        }
        Err(FaultError::NoPage) => raise_for(fault, no_page(address)),
        Err(FaultError::Unreadable(slot, error)) => {
            let (number, slot) = (table::with_current(|process| process.pid.as_u32()), slot.as_u32());
            log::line(format_args!(
                "process {number}: its page {:?} cannot be read from page {slot} of the disk: {error}",
                address.page()
            ));
            raise_for(fault, no_page(address));
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

/// Linux's signal for the exception: a handler takes it, or it ends the process.
pub(crate) fn raise(fault: Fault) {
    raise_for(fault, cause_of(fault));
}

fn raise_for(fault: Fault, cause: Cause) {
    let Cause {
        signal,
        code,
        address,
    } = cause;
    table::with_thread(|thread| thread.exception = Some(fault));
    if !signal::force(Signal::new(signal), Origin::exception(code, address)) {
        end_by(fault, signal);
    }
}

/// There is an area, and nothing behind it.
fn no_page(address: VirtAddr) -> Cause {
    Cause {
        signal: SIGBUS,
        code: BUS_ADRERR,
        address: address.as_u64(),
    }
}

fn cause_of(fault: Fault) -> Cause {
    let at_instruction = |code| (code, fault.instruction);
    let (code, address) = match fault.vector {
        0 => at_instruction(FPE_INTDIV),
        1 => at_instruction(TRAP_TRACE),
        6 => at_instruction(ILL_ILLOPN),
        16 => at_instruction(code_of(table::with_thread(|thread| {
            thread.user_state.x87_exceptions()
        }))),
        19 => at_instruction(code_of(table::with_thread(|thread| {
            thread.user_state.sse_exceptions()
        }))),
        17 => (BUS_ADRALN, 0),
        _ => (SI_KERNEL, 0),
    };
    Cause {
        signal: signal_of(fault.vector),
        code,
        address,
    }
}

/// What a floating-point exception is called, by bits as of MXCSR: invalid, denormal, zero divisor, overflow, underflow, precision.
fn code_of(exceptions: u32) -> i32 {
    match exceptions {
        bits if bits & 1 != 0 => FPE_FLTINV,
        bits if bits & 4 != 0 => FPE_FLTDIV,
        bits if bits & 8 != 0 => FPE_FLTOVF,
        bits if bits & 0x12 != 0 => FPE_FLTUND,
        bits if bits & 0x20 != 0 => FPE_FLTRES,
        _ => FPE_FLTINV,
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
