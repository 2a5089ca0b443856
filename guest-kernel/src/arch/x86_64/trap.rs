//! Traps: exceptions, interrupts and system calls, from the processor's frame to the Rust code that answers.
//!
//! `syscall` has two ways in. A processor that executes it as the manual says arrives at `system_call_entry` in kernel
//! mode. Some hypervisors leave the program in user mode at that address; what comes next is a page fault for fetching
//! there, which is recognised and becomes the same system call. A program that jumps there by itself gets a system call
//! too, and returns to where its RCX says: no more than it could have asked for.
//!
//! Interrupts arrive while a program runs, or while the kernel waits for one because nothing can run. On the way back to a
//! program a thread whose process is to end goes no further, and signals have their handlers run.
//!
//! Every return is an `iretq`. One that the processor refuses, because of an instruction pointer or flags that the program
//! chose, ends the program and not the kernel.

#![allow(unsafe_code, reason = "lidt, and symbols of the assembly")]

mod signal_frame;

use core::arch::asm;

use abi::clock::TICK_VECTOR;
use abi::paging::{FAULT_FETCH, FAULT_WRITE};

use super::guard::{self, Instruction};
use super::registers;
use super::segments::{EMERGENCY_STACK, KERNEL_CODE, TablePointer, USER_CODE, USER_DATA};
use crate::mm::{Access, KERNEL_STACKS, VirtAddr};
use crate::mutant::{self, Mutant};
use crate::process::{self, Fault};
use crate::sched::{self, Interrupted};
use crate::sync::Lock;
use crate::syscall;

pub(crate) use signal_frame::{Kept, SignalFrame};

pub(super) const EXCEPTIONS: usize = 32;
/// Gates: exceptions, and what interrupts need.
pub(super) const VECTORS: usize = 48;
/// What the APIC raises when an interrupt has gone before it was taken: nothing to do.
pub(super) const SPURIOUS_VECTOR: u8 = VECTORS as u8 - 1;
/// Vector of a [`TrapFrame`] that a system call made; no exception has it.
pub(super) const SYSTEM_CALL_VECTOR: u8 = 0x80 - 1;
/// One bit a vector: 8, 10 to 14, 17, 21, 29, 30.
pub(super) const VECTORS_WITH_ERROR_CODE: u32 = 0x6022_7d00;

const DEBUG: usize = 1;
const NON_MASKABLE_INTERRUPT: usize = 2;
const INVALID_OPCODE: u64 = 6;
const GENERAL_PROTECTION: u64 = 13;
const DOUBLE_FAULT: usize = 8;
const PAGE_FAULT: usize = 14;
const MACHINE_CHECK: usize = 18;
const STACK_FAULT: u64 = 12;
/// One bit a vector: what an instruction does wrong, and not the machine or the kernel's tables. Division, single step,
/// breakpoint, overflow, bounds, opcode, floating point, stack, protection, page, alignment.
const FAULTS_OF_CODE: u32 = 1 << 0
    | 1 << 1
    | 1 << 3
    | 1 << 4
    | 1 << 5
    | 1 << 6
    | 1 << 7
    | 1 << 12
    | 1 << 13
    | 1 << 14
    | 1 << 16
    | 1 << 17
    | 1 << 19;
/// Vectors that a program may raise by an instruction made for it.
const BREAKPOINT: usize = 3;
const OVERFLOW: usize = 4;
/// First byte of `int n`.
const INT_OPCODE: u8 = 0xcd;
/// Error code of a general protection fault: the index in it is a gate's.
const ERROR_CODE_GATE: u64 = 1 << 1;

/// Flags that a program may set as it likes: carry, parity, adjust, zero, sign, trap, direction, overflow, nested task,
/// resume, alignment check, identification.
const USER_FLAGS: u64 = 0x0025_4dd5;
/// The flag that is always set and has no meaning, and the one that lets interrupts come.
const ALWAYS_SET: u64 = 1 << 1;
const INTERRUPTS: u64 = 1 << 9;
const SINGLE_STEP: u64 = 1 << 8;

/// Registers of what was interrupted, as `trap.s` pushes them.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TrapFrame {
    r15: u64,
    r14: u64,
    r13: u64,
    r12: u64,
    rbp: u64,
    rbx: u64,
    r11: u64,
    r10: u64,
    r9: u64,
    r8: u64,
    rax: u64,
    rcx: u64,
    rdx: u64,
    rsi: u64,
    rdi: u64,
    vector: u64,
    error_code: u64,
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}
const _: () = assert!(size_of::<TrapFrame>() == 22 * 8 && size_of::<TrapFrame>().is_multiple_of(16));

impl TrapFrame {
    /// Registers with which a program starts.
    pub(crate) fn entering_user(instruction: VirtAddr, stack: VirtAddr) -> Self {
        Self {
            rip: instruction.as_u64(),
            cs: u64::from(USER_CODE),
            rflags: fixed_flags(),
            rsp: stack.as_u64(),
            ss: u64::from(USER_DATA),
            ..Self::default()
        }
    }

    pub(crate) fn system_call_number(&self) -> u64 {
        self.rax
    }

    pub(crate) fn system_call_arguments(&self) -> [u64; 6] {
        [self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9]
    }

    pub(crate) fn set_system_call_result(&mut self, result: u64) {
        self.rax = result;
    }

    pub(crate) fn set_stack(&mut self, stack: VirtAddr) {
        self.rsp = stack.as_u64();
    }

    fn is_from_user(&self) -> bool {
        self.cs & 3 == 3
    }

    fn fault(&self, address: u64) -> Fault {
        Fault {
            vector: self.vector,
            error_code: self.error_code,
            address,
            instruction: self.rip,
        }
    }
}

/// An entry of the interrupt descriptor table.
#[repr(C)]
#[derive(Clone, Copy)]
struct Gate {
    offset_low: u16,
    selector: u16,
    stack: u8,
    attributes: u8,
    offset_middle: u16,
    offset_high: u32,
    reserved: u32,
}
const _: () = assert!(size_of::<Gate>() == 16);

impl Gate {
    const ABSENT: Self = Self {
        offset_low: 0,
        selector: 0,
        stack: 0,
        attributes: 0,
        offset_middle: 0,
        offset_high: 0,
        reserved: 0,
    };

    /// A present interrupt gate: interrupts are masked on entry.
    fn new(vector: usize) -> Self {
        let address = trap_gates() + 16 * vector as u64;
        let privilege = if matches!(vector, BREAKPOINT | OVERFLOW) {
            3
        } else {
            0
        };
        Self {
            offset_low: address as u16,
            selector: KERNEL_CODE,
            stack: if is_emergency(vector) { EMERGENCY_STACK } else { 0 },
            attributes: 0x8e | privilege << 5,
            offset_middle: (address >> 16) as u16,
            offset_high: (address >> 32) as u32,
            reserved: 0,
        }
    }
}

/// Whether the kernel may have no usable stack then.
fn is_emergency(vector: usize) -> bool {
    matches!(vector, NON_MASKABLE_INTERRUPT | DOUBLE_FAULT | MACHINE_CHECK)
}

static GATES: Lock<[Gate; VECTORS]> = Lock::new([Gate::ABSENT; VECTORS]);

pub(super) fn load() {
    for (vector, gate) in GATES.lock().iter_mut().enumerate() {
        *gate = Gate::new(vector);
    }
    let limit = (VECTORS * size_of::<Gate>() - 1) as u16;
    let pointer = TablePointer {
        limit,
        base: GATES.address(),
    };
    // SAFETY: the table is static and each gate leads to code of `trap.s`.
    unsafe { asm!("lidt [{}]", in(reg) &raw const pointer, options(readonly, nostack, preserves_flags)) };
}

/// What `trap.s` calls on the kernel stack of the running thread (or on the emergency stack).
pub(super) extern "C" fn handle_trap(frame: &mut TrapFrame) {
    if frame.vector == u64::from(SYSTEM_CALL_VECTOR) {
        handle_system_call(frame);
    } else if frame.vector >= EXCEPTIONS as u64 {
        handle_interrupt(frame);
    } else if !frame.is_from_user() {
        handle_kernel_exception(frame);
    } else if frame.vector == PAGE_FAULT as u64 {
        handle_user_page_fault(frame);
    } else if is_emergency(frame.vector as usize) {
        // Its stack is no place to wait for a program's.
        process::end_by_fault(frame.fault(0));
    } else if !(frame.vector == DEBUG as u64 && mutant::is(Mutant::ProgramsStepped)) {
        process::raise(exception_of(frame));
    }
    if frame.is_from_user() {
        process::go_back(frame);
    }
}

/// What `trap.s` calls when a thread runs for the first time.
pub(super) extern "C" fn start_thread(frame: &mut TrapFrame) {
    process::finish_switch();
    process::go_back(frame);
}

fn handle_system_call(frame: &mut TrapFrame) {
    frame.begin_system_call();
    syscall::dispatch(frame);
}

fn handle_interrupt(frame: &TrapFrame) {
    if frame.vector == u64::from(TICK_VECTOR) {
        let interrupted = if frame.is_from_user() {
            Interrupted::Program
        } else {
            Interrupted::Nothing
        };
        sched::tick(interrupted);
    }
}

/// Flags that a program does not choose.
fn fixed_flags() -> u64 {
    if mutant::is(Mutant::TicksMasked) {
        ALWAYS_SET
    } else if mutant::is(Mutant::ProgramsStepped) {
        ALWAYS_SET | INTERRUPTS | SINGLE_STEP
    } else {
        ALWAYS_SET | INTERRUPTS
    }
}

/// Some hypervisors raise an invalid opcode for `int n`, which this processor's manual says is a general protection fault
/// that names the gate.
fn exception_of(frame: &TrapFrame) -> Fault {
    let fault = frame.fault(0);
    if frame.vector != INVALID_OPCODE {
        return fault;
    }
    match process::read_current([0; 2], frame.rip) {
        Some([INT_OPCODE, gate]) => Fault {
            vector: GENERAL_PROTECTION,
            error_code: u64::from(gate) << 3 | ERROR_CODE_GATE,
            ..fault
        },
        _ => fault,
    }
}

fn handle_user_page_fault(frame: &mut TrapFrame) {
    let address = registers::fault_address();
    if frame.rip == system_call_entry() && frame.error_code & FAULT_FETCH != 0 {
        frame.rip = frame.rcx;
        frame.rflags = frame.r11 & USER_FLAGS | fixed_flags();
        handle_system_call(frame);
        return;
    }
    let access = if frame.error_code & FAULT_FETCH != 0 {
        Access::Execute
    } else if frame.error_code & FAULT_WRITE != 0 {
        Access::Write
    } else {
        Access::Read
    };
    process::handle_page_fault(VirtAddr::new(address), access, frame.fault(address));
}

fn handle_kernel_exception(frame: &mut TrapFrame) {
    if frame.rip == return_instruction() && matches!(frame.vector, STACK_FAULT | GENERAL_PROTECTION) {
        // The refused `iretq` frame lies where the stack pointer was: that is the program's state.
        // SAFETY: RSP of the interrupted kernel code points at the five words that `iretq` was about to pop.
        let instruction = unsafe { (frame.rsp as *const u64).read() };
        process::end_by_fault(Fault {
            instruction,
            ..frame.fault(0)
        });
    }
    let address = registers::fault_address();
    if FAULTS_OF_CODE >> frame.vector & 1 == 1 {
        let is_access = frame.vector == PAGE_FAULT as u64;
        let is_jump = is_access && frame.error_code & FAULT_FETCH != 0 && address == frame.rip;
        let instruction = if is_jump {
            Instruction::Missing
        } else {
            Instruction::At(frame.rip)
        };
        if let Some((goes_on_at, stack)) = guard::take_recovery(instruction) {
            process::end_after_fault(frame.fault(if is_access { address } else { 0 }));
            // The code may have changed its flags; the kernel's have none that matters.
            (frame.rip, frame.rsp, frame.rflags) = (goes_on_at, stack, ALWAYS_SET);
            return;
        }
    }
    if frame.vector == DOUBLE_FAULT as u64 && KERNEL_STACKS.contains(VirtAddr::new(address)) {
        crate::panic::stop_at(frame.rip, format_args!("kernel stack overflow at {address:#x}"));
    }
    crate::panic::stop_at(
        frame.rip,
        format_args!(
            "exception {} in the kernel: error code {:#x}, rip {:#x}, cr2 {address:#x}",
            frame.vector, frame.error_code, frame.rip
        ),
    );
}

/// Declares functions that give the address of a symbol of the assembly.
macro_rules! symbol_addresses {
    ($($(#[$doc:meta])* $visibility:vis $name:ident;)*) => {
        #[cfg(target_os = "none")]
        mod symbols {
            unsafe extern "C" {
                $(pub(super) static $name: u8;)*
            }
        }
        $(
            $(#[$doc])*
            #[cfg(target_os = "none")]
            $visibility fn $name() -> u64 {
                (&raw const symbols::$name) as u64
            }
            /// The host has no such symbol; nothing of the hardware runs there.
            #[cfg(not(target_os = "none"))]
            $visibility fn $name() -> u64 {
                0
            }
        )*
    };
}

symbol_addresses! {
    trap_gates;
    /// Where the processor arrives after `syscall`.
    pub(super) system_call_entry;
    /// Where a new thread begins, with a [`TrapFrame`] on its stack.
    pub(super) enter_thread;
    return_instruction;
    pub(super) emergency_stack_top;
}
