//! What lies on a program's stack while a handler runs: Linux's `rt_sigframe`, with the registers as they were.
//!
//! A program may have changed all of it by the time it comes back. Whatever it holds, the program gets no segments but its own, and
//! no flags but those that it could set itself.

use abi::linux::signal::{
    FRAME_INFO_OFFSET, SIGINFO_BYTES, SIGNAL_FRAME_BYTES, UC_CR2_OFFSET, UC_ERROR_CODE_OFFSET,
    UC_FPSTATE_OFFSET, UC_REGISTERS_OFFSET, UC_RFLAGS_OFFSET, UC_RIP_OFFSET, UC_SELECTORS_OFFSET,
    UC_SIGCONTEXT_SS, UC_SIGMASK_OFFSET, UC_STACK_OFFSET, UC_STRICT_RESTORE_SS, UCONTEXT_OFFSET,
};

use super::super::segments::{USER_CODE, USER_DATA};
use super::{SYSTEM_CALL_VECTOR, TrapFrame};
use crate::errno::Errno;

/// Flags that come back with a handler: carry, parity, adjust, zero, sign, trap, direction, overflow, resume, alignment check.
const RESTORED_FLAGS: u64 = 0x0005_0dd5;
/// Flags with which no handler begins: trap, direction, resume.
const CLEARED_FLAGS: u64 = 1 << 8 | 1 << 10 | 1 << 16;
/// Bytes of the instruction `syscall`.
const SYSTEM_CALL_BYTES: u64 = 2;
/// Bits of a selector that say in which mode it is used, all set in user mode.
const USER_PRIVILEGE: u16 = 3;

/// What a frame keeps beside general registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// A `stack_t`: address, flags, size.
    pub(crate) alternate_stack: [u64; 3],
    /// Vector, error code and address of the thread's last exception.
    pub(crate) exception: [u64; 3],
    /// Where the floating-point state is.
    pub(crate) fp_state: u64,
    pub(crate) mask: u64,
}

/// An `rt_sigframe`.
pub(crate) struct SignalFrame([u8; SIGNAL_FRAME_BYTES]);

impl SignalFrame {
    /// The frame of a handler that interrupts these registers and returns to `restorer`.
    pub(crate) fn new(registers: &TrapFrame, restorer: u64, kept: &Kept, info: &[u8; SIGINFO_BYTES]) -> Self {
        let mut frame = Self([0; SIGNAL_FRAME_BYTES]);
        frame.0[..UCONTEXT_OFFSET].copy_from_slice(&restorer.to_le_bytes());
        frame.0[FRAME_INFO_OFFSET..].copy_from_slice(info);
        frame.set(0, UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS);
        let [vector, error_code, address] = kept.exception;
        let mut offset = UC_STACK_OFFSET;
        for word in kept.alternate_stack {
            frame.set(offset, word);
            offset += 8;
        }
        let mut saved = *registers;
        offset = UC_REGISTERS_OFFSET;
        for register in saved.in_order_of_context() {
            frame.set(offset, *register);
            offset += 8;
        }
        frame.set(UC_RIP_OFFSET, registers.rip);
        frame.set(UC_RFLAGS_OFFSET, registers.rflags);
        frame.set(UC_SELECTORS_OFFSET, registers.cs | registers.ss << 48);
        frame.set(UC_ERROR_CODE_OFFSET, error_code);
        frame.set(UC_ERROR_CODE_OFFSET + 8, vector);
        frame.set(UC_CR2_OFFSET, address);
        frame.set(UC_FPSTATE_OFFSET, kept.fp_state);
        frame.set(UC_SIGMASK_OFFSET, kept.mask);
        frame
    }

    /// What a program says that its frame is.
    pub(crate) fn from_bytes(bytes: [u8; SIGNAL_FRAME_BYTES]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; SIGNAL_FRAME_BYTES] {
        &self.0
    }

    pub(crate) fn alternate_stack(&self) -> [u64; 3] {
        [0, 8, 16].map(|offset| self.get(UC_STACK_OFFSET + offset))
    }

    pub(crate) fn fp_state(&self) -> u64 {
        self.get(UC_FPSTATE_OFFSET)
    }

    pub(crate) fn mask(&self) -> u64 {
        self.get(UC_SIGMASK_OFFSET)
    }

    /// Puts the registers back. EFAULT when an instruction pointer or a segment is none that a program can have: then the others are
    /// as the frame says all the same, as on Linux.
    pub(crate) fn restore(&self, registers: &mut TrapFrame) -> Result<(), Errno> {
        let selectors = self.get(UC_SELECTORS_OFFSET);
        let code = selectors as u16 | USER_PRIVILEGE;
        let stack = (selectors >> 48) as u16 | USER_PRIVILEGE;
        let is_strict = self.get(0) & UC_STRICT_RESTORE_SS != 0;
        let rip = self.get(UC_RIP_OFFSET);
        let mut offset = UC_REGISTERS_OFFSET;
        for register in registers.in_order_of_context() {
            *register = self.get(offset);
            offset += 8;
        }
        let flags = self.get(UC_RFLAGS_OFFSET);
        registers.rflags = registers.rflags & !RESTORED_FLAGS | flags & RESTORED_FLAGS;
        registers.forget_system_call();
        if code != USER_CODE || is_strict && stack != USER_DATA || !is_canonical(rip) {
            return Err(Errno::EFAULT);
        }
        registers.rip = rip;
        Ok(())
    }

    /// A word of the `struct ucontext`.
    fn get(&self, offset: usize) -> u64 {
        let mut word = [0; 8];
        word.copy_from_slice(&self.0[UCONTEXT_OFFSET + offset..][..8]);
        u64::from_le_bytes(word)
    }

    fn set(&mut self, offset: usize, word: u64) {
        self.0[UCONTEXT_OFFSET + offset..][..8].copy_from_slice(&word.to_le_bytes());
    }
}

impl TrapFrame {
    pub(crate) fn stack(&self) -> u64 {
        self.rsp
    }

    /// RAX, in which a system call leaves its result.
    pub(crate) fn system_call_result(&self) -> u64 {
        self.rax
    }

    /// The registers with which a handler begins: `frame` is where its frame lies.
    pub(crate) fn enter_handler(&mut self, handler: u64, signal: u32, frame: u64) {
        self.rdi = signal.into();
        self.rsi = frame + FRAME_INFO_OFFSET as u64;
        self.rdx = frame + UCONTEXT_OFFSET as u64;
        self.rax = 0;
        self.rip = handler;
        self.rsp = frame;
        self.rflags &= !CLEARED_FLAGS;
    }

    /// The system call that the program is in.
    pub(super) fn begin_system_call(&mut self) {
        self.vector = SYSTEM_CALL_VECTOR.into();
        // There is no error code, and the result is about to take the number's place.
        self.error_code = self.rax;
    }

    /// Number of the system call that the program is in; `None` when something else has brought it here.
    pub(crate) fn system_call(&self) -> Option<u64> {
        (self.vector == SYSTEM_CALL_VECTOR.into()).then_some(self.error_code)
    }

    /// The program is in no system call any more, whatever its registers hold.
    pub(crate) fn forget_system_call(&mut self) {
        self.vector = 0;
    }

    /// Has the program make the call of that number next, with the arguments of the one that it is in.
    pub(crate) fn call_again(&mut self, number: u64) {
        self.rax = number;
        self.rip = self.rip.wrapping_sub(SYSTEM_CALL_BYTES);
    }

    /// General registers in the order of a `struct sigcontext`.
    fn in_order_of_context(&mut self) -> [&mut u64; 16] {
        [
            &mut self.r8,
            &mut self.r9,
            &mut self.r10,
            &mut self.r11,
            &mut self.r12,
            &mut self.r13,
            &mut self.r14,
            &mut self.r15,
            &mut self.rdi,
            &mut self.rsi,
            &mut self.rbp,
            &mut self.rbx,
            &mut self.rdx,
            &mut self.rax,
            &mut self.rcx,
            &mut self.rsp,
        ]
    }
}

/// Whether an address is one of the half of programs or of the kernel's.
fn is_canonical(address: u64) -> bool {
    (address << 16).cast_signed() >> 16 == address.cast_signed()
}

#[cfg(test)]
mod tests {
    use abi::linux::signal::{UC_RAX_OFFSET, UC_RSP_OFFSET};

    use super::*;

    const IOPL_AND_INTERRUPTS: u64 = 3 << 12 | 1 << 9;

    fn program() -> TrapFrame {
        TrapFrame {
            rax: 1,
            r8: 8,
            rip: 0x1000,
            rsp: 0x2000,
            rflags: 0x202,
            cs: USER_CODE.into(),
            ss: USER_DATA.into(),
            ..TrapFrame::default()
        }
    }

    fn frame() -> SignalFrame {
        SignalFrame::new(&program(), 7, &Kept::default(), &[0; SIGINFO_BYTES])
    }

    #[test]
    fn registers_lie_where_linux_has_them_and_come_back() {
        let frame = frame();
        let places = [UC_REGISTERS_OFFSET, UC_RAX_OFFSET, UC_RSP_OFFSET, UC_RIP_OFFSET];
        assert_eq!(places.map(|offset| frame.get(offset)), [8, 1, 0x2000, 0x1000]);
        let mut registers = TrapFrame {
            rflags: 0x202,
            ..TrapFrame::default()
        };
        frame.restore(&mut registers).unwrap();
        assert_eq!((registers.rax, registers.r8, registers.rsp), (1, 8, 0x2000));
    }

    #[test]
    fn a_program_gets_no_flags_that_it_could_not_set() {
        let mut frame = frame();
        frame.set(UC_RFLAGS_OFFSET, u64::MAX & !(1 << 9));
        let mut registers = program();
        frame.restore(&mut registers).unwrap();
        assert_eq!(registers.rflags & IOPL_AND_INTERRUPTS, 1 << 9);
        assert_eq!(registers.rflags & !RESTORED_FLAGS, 0x202);
    }

    #[test]
    fn segments_of_the_kernel_and_addresses_that_are_none_are_refused() {
        for (offset, word) in [
            (UC_SELECTORS_OFFSET, 0x10 | u64::from(USER_DATA) << 48),
            (UC_SELECTORS_OFFSET, u64::from(USER_CODE) | 0x18 << 48),
            (UC_RIP_OFFSET, 1 << 47),
        ] {
            let mut frame = frame();
            frame.set(offset, word);
            let mut registers = program();
            assert_eq!(frame.restore(&mut registers), Err(Errno::EFAULT));
            assert_eq!((registers.cs, registers.rip), (USER_CODE.into(), 0x1000));
        }
    }
}
