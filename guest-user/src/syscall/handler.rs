//! Handlers of signals: rt_sigaction, what a handler is told, and a stack for it.
//!
//! A handler runs between any two instructions of a program. Those here touch atomic words, spans, and what they are told, and nothing
//! else that the program has.
#![allow(unsafe_code, reason = "code that the kernel calls")]

use core::arch::naked_asm;

use abi::linux::signal::{
    SA_RESTORER, SA_SIGINFO, SI_ADDR_OFFSET, SI_CODE_OFFSET, SI_PID_OFFSET, SI_STATUS_OFFSET, SIG_DFL,
    SIG_IGN, SIGINFO_BYTES, SIGSET_BYTES, SS_DISABLE, UC_FPSTATE_OFFSET,
};
use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;
use super::signal::SignalSet;
use crate::Span;

/// What a handler is called with.
pub type Handler = extern "C" fn(u32, &Information, &mut Context);

/// The kernel's `struct sigaction`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// Address of the handler, `SIG_DFL` or `SIG_IGN`.
    pub handler: u64,
    /// `SA_*`
    pub flags: u64,
    /// What the handler returns to.
    pub restorer: u64,
    /// Blocked besides while the handler runs.
    pub mask: SignalSet,
}

impl Action {
    /// What the signal does by default.
    pub const DEFAULT: Self = Self {
        handler: SIG_DFL,
        flags: 0,
        restorer: 0,
        mask: SignalSet(0),
    };
    /// Nothing.
    pub const IGNORE: Self = Self {
        handler: SIG_IGN,
        ..Self::DEFAULT
    };

    /// Has the handler run.
    #[must_use]
    pub fn run(handler: Handler) -> Self {
        Self {
            handler: handler as usize as u64,
            flags: SA_SIGINFO | SA_RESTORER,
            restorer: return_from_handler as *const () as u64,
            mask: SignalSet::default(),
        }
    }

    /// With these flags besides.
    #[must_use]
    pub fn with(self, flags: u64) -> Self {
        Self {
            flags: self.flags | flags,
            ..self
        }
    }

    /// With a mask.
    #[must_use]
    pub fn blocking(self, mask: SignalSet) -> Self {
        Self { mask, ..self }
    }
}

/// What a handler returns to: rt_sigreturn, which finds its frame on the stack.
#[unsafe(naked)]
extern "C" fn return_from_handler() -> ! {
    naked_asm!("mov eax, {}", "syscall", "ud2", const number::RT_SIGRETURN)
}

/// rt_sigaction(signal, action): the action from before.
pub fn set_action(signal: u32, action: Action) -> Result<Action, Errno> {
    let mut old = Action::default();
    let arguments = [
        signal.into(),
        &raw const action as u64,
        &raw mut old as u64,
        SIGSET_BYTES,
    ];
    // SAFETY: the kernel reads `action` and writes to `old` alone; what handlers do is said above.
    unsafe { syscall(number::RT_SIGACTION, arguments) }?;
    Ok(old)
}

/// rt_sigaction(signal, no action): the action that there is.
pub fn action_of(signal: u32) -> Result<Action, Errno> {
    let mut old = Action::default();
    let arguments = [signal.into(), 0, &raw mut old as u64, SIGSET_BYTES];
    // SAFETY: the kernel writes to `old` alone.
    unsafe { syscall(number::RT_SIGACTION, arguments) }?;
    Ok(old)
}

/// rt_sigaction(signal, action, old action, size), with addresses at which there need be nothing.
///
/// # Safety
///
/// No Rust object lies at the address for the old action, and handlers do what is said above.
pub unsafe fn set_action_at(arguments: [u64; 4]) -> Result<u64, Errno> {
    // SAFETY: the caller answers for memory.
    unsafe { syscall(number::RT_SIGACTION, arguments) }
}

/// A `siginfo_t`.
#[repr(C, align(8))]
#[derive(Debug)]
pub struct Information([u8; SIGINFO_BYTES]);

impl Information {
    /// Why it was sent.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.word(SI_CODE_OFFSET).cast_signed()
    }

    /// The process that sent it, or the child.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.word(SI_PID_OFFSET).cast_signed()
    }

    /// How the child ended.
    #[must_use]
    pub fn status(&self) -> u32 {
        self.word(SI_STATUS_OFFSET)
    }

    /// What could not be accessed, or executed.
    #[must_use]
    pub fn address(&self) -> u64 {
        u64::from(self.word(SI_ADDR_OFFSET)) | u64::from(self.word(SI_ADDR_OFFSET + 4)) << 32
    }

    fn word(&self, offset: usize) -> u32 {
        let mut word = [0; 4];
        word.copy_from_slice(&self.0[offset..][..4]);
        u32::from_le_bytes(word)
    }
}

/// Words of a `struct ucontext`, as far as the mask.
const CONTEXT_WORDS: usize = 38;
/// Bytes of floating-point state that `fxsave` knows.
const FPSTATE_BYTES: u64 = 512;

/// A `struct ucontext`: what the program goes on with.
#[repr(C)]
#[derive(Debug)]
pub struct Context([u64; CONTEXT_WORDS]);

impl Context {
    /// A word, by its offset ([`abi::linux::signal`]).
    #[must_use]
    pub fn get(&self, offset: usize) -> u64 {
        self.0[offset / 8]
    }

    /// Changes a word.
    ///
    /// # Safety
    ///
    /// The program goes on with it.
    pub unsafe fn set(&mut self, offset: usize, word: u64) {
        self.0[offset / 8] = word;
    }

    /// The floating-point state that the program goes on with.
    #[must_use]
    pub fn fp_state(&self) -> Span {
        // SAFETY: there the kernel has put it, beside the program's frames.
        unsafe { Span::at(self.get(UC_FPSTATE_OFFSET), FPSTATE_BYTES) }
    }
}

/// A `stack_t`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stack {
    /// First address.
    pub start: u64,
    /// `SS_*`
    pub flags: u64,
    /// How long.
    pub len_bytes: u64,
}

impl Stack {
    /// None.
    pub const NONE: Self = Self {
        start: 0,
        flags: SS_DISABLE as u64,
        len_bytes: 0,
    };

    /// All of a span.
    #[must_use]
    pub fn on(span: Span) -> Self {
        Self {
            start: span.address(),
            flags: 0,
            len_bytes: span.len_bytes(),
        }
    }
}

/// sigaltstack(stack): the one from before.
pub fn set_alternate_stack(stack: Stack) -> Result<Stack, Errno> {
    let mut old = Stack::NONE;
    // SAFETY: the kernel reads `stack` and writes to `old` alone.
    unsafe {
        syscall(
            number::SIGALTSTACK,
            [&raw const stack as u64, &raw mut old as u64],
        )
    }?;
    Ok(old)
}

/// sigaltstack(no stack): the one that there is.
pub fn alternate_stack() -> Result<Stack, Errno> {
    let mut old = Stack::NONE;
    // SAFETY: the kernel writes to `old` alone.
    unsafe { syscall(number::SIGALTSTACK, [0, &raw mut old as u64]) }?;
    Ok(old)
}

/// sigaltstack(stack), at an address at which there need be none.
pub fn set_alternate_stack_at(address: u64) -> Result<u64, Errno> {
    // SAFETY: the kernel reads the stack alone.
    unsafe { syscall(number::SIGALTSTACK, [address, 0]) }
}

/// rt_sigreturn, with a frame that begins 8 bytes below `frame`. Returns only when the kernel has no such call.
///
/// # Safety
///
/// The program goes on with whatever that frame says.
#[unsafe(naked)]
pub unsafe extern "C" fn return_through(frame: u64) -> ! {
    naked_asm!(
        "mov rsp, rdi",
        "mov eax, {}",
        "syscall",
        "ud2",
        const number::RT_SIGRETURN,
    )
}
