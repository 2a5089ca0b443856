//! Signals: masks, actions, what a handler is told, and the frame on which it runs (`asm-generic/signal-defs.h`,
//! `asm-generic/siginfo.h`, `asm/sigcontext.h`, `asm/ucontext.h`). Their numbers are in [`super::process`].

/// rt_sigprocmask: add the set to the mask.
pub const SIG_BLOCK: u64 = 0;
/// rt_sigprocmask: take the set out of the mask.
pub const SIG_UNBLOCK: u64 = 1;
/// rt_sigprocmask: the set is the mask.
pub const SIG_SETMASK: u64 = 2;

/// Bytes of a set of signals: signal `n` is bit `n - 1`.
pub const SIGSET_BYTES: u64 = 8;

/// Bytes of a `siginfo_t`.
pub const SIGINFO_BYTES: usize = 128;
/// Offset in a `siginfo_t` of the signal's number, a C int as the others.
pub const SI_SIGNO_OFFSET: usize = 0;
/// Offset of the code, which says where the signal comes from.
pub const SI_CODE_OFFSET: usize = 8;
/// Offset of the process id of the sender, or of the child.
pub const SI_PID_OFFSET: usize = 16;
/// Offset of the user id of that process.
pub const SI_UID_OFFSET: usize = 20;
/// Offset of how the child ended: the exit status or the signal.
pub const SI_STATUS_OFFSET: usize = 24;

/// Code: sent by kill.
pub const SI_USER: i32 = 0;
/// Code: sent by tgkill.
pub const SI_TKILL: i32 = -6;
/// Code of a `SIGCHLD`: the child has exited.
pub const CLD_EXITED: i32 = 1;
/// Code of a `SIGCHLD`: a signal has ended the child.
pub const CLD_KILLED: i32 = 2;
/// Code of a `SIGCHLD`: a signal has stopped the child.
pub const CLD_STOPPED: i32 = 5;
/// Code of a `SIGCHLD`: the child goes on.
pub const CLD_CONTINUED: i32 = 6;
/// Code: from the kernel, which tells nothing else.
pub const SI_KERNEL: i32 = 0x80;
/// Code of a `SIGSEGV`: nothing is mapped there.
pub const SEGV_MAPERR: i32 = 1;
/// Code of a `SIGSEGV`: what is mapped there does not allow that.
pub const SEGV_ACCERR: i32 = 2;
/// Code of a `SIGBUS`: the address is not aligned.
pub const BUS_ADRALN: i32 = 1;
/// Code of a `SIGBUS`: there is no memory behind the address.
pub const BUS_ADRERR: i32 = 2;
/// Code of a `SIGFPE`: an integer was divided by zero.
pub const FPE_INTDIV: i32 = 1;
/// Code of a `SIGFPE`: a floating-point number was divided by zero.
pub const FPE_FLTDIV: i32 = 3;
/// Code of a `SIGFPE`: a floating-point result is too large.
pub const FPE_FLTOVF: i32 = 4;
/// Code of a `SIGFPE`: a floating-point result is too small.
pub const FPE_FLTUND: i32 = 5;
/// Code of a `SIGFPE`: a floating-point result is not exact.
pub const FPE_FLTRES: i32 = 6;
/// Code of a `SIGFPE`: a floating-point operation has no result.
pub const FPE_FLTINV: i32 = 7;
/// Code of a `SIGILL`: no instruction has that opcode.
pub const ILL_ILLOPN: i32 = 2;
/// Code of a `SIGTRAP`: the processor stopped after an instruction.
pub const TRAP_TRACE: i32 = 2;
/// Offset in a `siginfo_t` of the address that could not be accessed, or of the instruction.
pub const SI_ADDR_OFFSET: usize = 16;

/// Handler: the signal does what it does by default.
pub const SIG_DFL: u64 = 0;
/// Handler: the signal is ignored.
pub const SIG_IGN: u64 = 1;

/// Bytes of the kernel's `struct sigaction`: handler, flags, restorer, mask.
pub const SIGACTION_BYTES: usize = 32;
/// Action for `SIGCHLD`: a child that stops does not send it.
pub const SA_NOCLDSTOP: u64 = 1;
/// Action for `SIGCHLD`: children leave no zombies.
pub const SA_NOCLDWAIT: u64 = 2;
/// Action: the handler is told where the signal comes from.
pub const SA_SIGINFO: u64 = 4;
/// Action: addresses that the handler is told of keep their tags; no address has one here.
pub const SA_EXPOSE_TAGBITS: u64 = 0x800;
/// Action: there is code that a handler returns to. Without it none can run.
pub const SA_RESTORER: u64 = 0x0400_0000;
/// Action: the handler runs on the alternate stack, if there is one.
pub const SA_ONSTACK: u64 = 0x0800_0000;
/// Action: system calls that the handler interrupts start again.
pub const SA_RESTART: u64 = 0x1000_0000;
/// Action: the signal is not blocked while its handler runs.
pub const SA_NODEFER: u64 = 0x4000_0000;
/// Action: it is the default one again when the handler begins.
pub const SA_RESETHAND: u64 = 0x8000_0000;

/// Bytes of a `stack_t`: address, flags and size, 8 bytes each.
pub const STACK_RECORD_BYTES: usize = 24;
/// Alternate stack: the program runs on it.
pub const SS_ONSTACK: u32 = 1;
/// Alternate stack: there is none.
pub const SS_DISABLE: u32 = 2;
/// Alternate stack: there is none while a handler runs on it.
pub const SS_AUTODISARM: u32 = 1 << 31;
/// Smallest alternate stack.
pub const MINSIGSTKSZ: u64 = 2048;

/// Bytes below the stack pointer that a function may use, and a handler's frame leaves alone.
pub const RED_ZONE_BYTES: u64 = 128;
/// Bytes of an `rt_sigframe`: where the handler returns to, `struct ucontext`, `siginfo_t`.
pub const SIGNAL_FRAME_BYTES: usize = 440;
/// Offset in an `rt_sigframe` of the `struct ucontext`.
pub const UCONTEXT_OFFSET: usize = 8;
/// Offset in an `rt_sigframe` of the `siginfo_t`.
pub const FRAME_INFO_OFFSET: usize = 312;
/// Offset in a `struct ucontext` of the `stack_t`.
pub const UC_STACK_OFFSET: usize = 16;
/// Offset in a `struct ucontext` of the registers, from R8 on.
pub const UC_REGISTERS_OFFSET: usize = 40;
/// Offset in a `struct ucontext` of RAX.
pub const UC_RAX_OFFSET: usize = 144;
/// Offset in a `struct ucontext` of RSP.
pub const UC_RSP_OFFSET: usize = 160;
/// Offset in a `struct ucontext` of RIP.
pub const UC_RIP_OFFSET: usize = 168;
/// Offset in a `struct ucontext` of RFLAGS.
pub const UC_RFLAGS_OFFSET: usize = 176;
/// Offset in a `struct ucontext` of CS, GS, FS and SS, 2 bytes each.
pub const UC_SELECTORS_OFFSET: usize = 184;
/// Offset in a `struct ucontext` of the last exception's error code, and behind it its vector.
pub const UC_ERROR_CODE_OFFSET: usize = 192;
/// Offset in a `struct ucontext` of CR2.
pub const UC_CR2_OFFSET: usize = 216;
/// Offset in a `struct ucontext` of the address of the floating-point state.
pub const UC_FPSTATE_OFFSET: usize = 224;
/// Offset in a `struct ucontext` of the mask that is restored.
pub const UC_SIGMASK_OFFSET: usize = 296;
/// Flag of a `struct ucontext`: the selector of the stack segment was saved.
pub const UC_SIGCONTEXT_SS: u64 = 2;
/// Flag of a `struct ucontext`: it is restored as it is.
pub const UC_STRICT_RESTORE_SS: u64 = 4;
/// Bytes of floating-point state as `fxsave` has it.
pub const FPSTATE_BYTES: usize = 512;
/// Floating-point state lies at a multiple of this.
pub const FPSTATE_ALIGNMENT: u64 = 64;
