//! Frames that no handler has had. Each case is a child's.
#![allow(unsafe_code, reason = "forges what the program goes on with")]

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE};
use abi::linux::process::{SIGILL, SIGSEGV, SIGUSR1};
use abi::linux::signal::{
    UC_FPSTATE_OFFSET, UC_RFLAGS_OFFSET, UC_RIP_OFFSET, UC_RSP_OFFSET, UC_SELECTORS_OFFSET,
};
use guest_user::syscall::handler::{Action, Context, Information, return_through};
use guest_user::syscall::process;
use guest_user::{Span, child};

use crate::{around, fact, on, send_self};

/// Which word of its context the handler changes, and to what.
static OFFSET: AtomicU64 = AtomicU64::new(0);
static WORD: AtomicU64 = AtomicU64::new(0);

/// Offset of MXCSR in floating-point state; the half-word behind it says which of its bits there are.
const MXCSR_OFFSET: u64 = 24;
const XMM0_OFFSET: u64 = 160;
const IO_PRIVILEGE: u64 = 3 << 12;
const NESTED_TASK: u64 = 1 << 14;
const VIRTUAL_8086: u64 = 1 << 17;
const INTERRUPTS: u64 = 1 << 9;
const USER_SELECTORS: u64 = 0x33 | 0x2b << 48;

extern "C" fn forge(_: u32, _: &Information, context: &mut Context) {
    // SAFETY: what comes of it is what the case is about.
    unsafe { context.set(OFFSET.load(SeqCst) as usize, WORD.load(SeqCst)) };
}

extern "C" fn forge_and_skip(signal: u32, information: &Information, context: &mut Context) {
    forge(signal, information, context);
    around::skip(context);
}

extern "C" fn forge_flags(_: u32, _: &Information, context: &mut Context) {
    let flags = context.get(UC_RFLAGS_OFFSET);
    let forged = (flags | IO_PRIVILEGE | NESTED_TASK | VIRTUAL_8086) & !INTERRUPTS;
    // SAFETY: as above.
    unsafe { context.set(UC_RFLAGS_OFFSET, forged) };
}

extern "C" fn forge_control(_: u32, _: &Information, context: &mut Context) {
    let state = context.fp_state();
    state.store_u64(MXCSR_OFFSET, u64::MAX);
    around::skip(context);
}

extern "C" fn set_exception(_: u32, _: &Information, context: &mut Context) {
    context.fp_state().store_u64(XMM0_OFFSET, 3);
    around::skip(context);
}

extern "C" fn exit_with_4(_: u32, _: &Information, _: &mut Context) {
    process::exit(4);
}

pub(crate) fn facts() {
    let case = |what, offset: usize, word| {
        let status = child::run(|| {
            OFFSET.store(offset as u64, SeqCst);
            WORD.store(word, SeqCst);
            on(SIGUSR1, Action::run(forge));
            send_self(SIGUSR1);
            process::exit(3)
        });
        fact(what, status);
    };
    case("the program's own segments", UC_SELECTORS_OFFSET, USER_SELECTORS);
    case("the kernel's code", UC_SELECTORS_OFFSET, 0x10 | 0x2b << 48);
    case("the kernel's stack", UC_SELECTORS_OFFSET, 0x33 | 0x18 << 48);
    case("no code", UC_SELECTORS_OFFSET, 0x2b << 48);
    case(
        "segments beyond the table",
        UC_SELECTORS_OFFSET,
        0xfff8 | 0x2b << 48,
    );
    case("code in the kernel's half", UC_RIP_OFFSET, 0xffff_8000_0000_1000);
    case("code in no half", UC_RIP_OFFSET, 0x1234_5678_9abc_def0);
    case("code at the end of its half", UC_RIP_OFFSET, 0x7fff_ffff_fffe);
    case("floating-point state nowhere", UC_FPSTATE_OFFSET, 8);
    case("in the kernel's half", UC_FPSTATE_OFFSET, 0xffff_8000_0000_1000);

    let status = child::run(|| {
        on(SIGUSR1, Action::run(forge_flags));
        send_self(SIGUSR1);
        let privileged = flags() & (IO_PRIVILEGE | NESTED_TASK | VIRTUAL_8086) != 0;
        process::exit(i32::from(privileged))
    });
    fact("flags of the kernel", status);
    let status = child::run(|| {
        on(SIGILL, Action::run(forge_control));
        let _ = around::sse(1, 0x1f80);
        process::exit(3)
    });
    fact("reserved bits of MXCSR", status);
    let status = child::run(|| {
        on(SIGILL, Action::run(set_exception));
        process::exit(around::sse(1, 0x1f80).0 as i32)
    });
    fact("another number in XMM0", status);
    let status = child::run(|| {
        OFFSET.store(UC_FPSTATE_OFFSET as u64, SeqCst);
        WORD.store(0, SeqCst);
        on(SIGILL, Action::run(forge_and_skip));
        let (xmm0, mxcsr) = around::sse(1, 0x7f80);
        process::exit(i32::from(xmm0 == 0 && mxcsr == 0x1f80))
    });
    fact("no floating-point state, which is the first one", status);
    let status = child::run(|| {
        OFFSET.store(UC_RSP_OFFSET as u64, SeqCst);
        WORD.store(0x1234_5678_9abc_def0, SeqCst);
        on(SIGUSR1, Action::run(forge));
        send_self(SIGUSR1);
    });
    fact("a stack in no half", status);
    without_frame();
}

fn without_frame() {
    let span = Span::map(PAGE_SIZE, PROT_NONE, MAP_PRIVATE).expect("mmap");
    let zeros = Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    let case = |what, at| {
        // SAFETY: the program ends.
        fact(what, child::run(|| unsafe { return_through(at) }));
    };
    case("a frame that cannot be read", span.address() + 1024);
    case("in the kernel's half", 0xffff_8000_0000_1000);
    case("in no half", 0x1234_5678_9abc_def0);
    case("at the bottom", 0);
    case("of zeros", zeros.address() + 1024);
    on(SIGSEGV, Action::run(exit_with_4));
    let stack = Span::map(PAGE_SIZE * 4, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    case("with a handler of SIGSEGV", stack.end() - 1024);
    on(SIGSEGV, Action::DEFAULT);
}

fn flags() -> u64 {
    let flags;
    // SAFETY: a look.
    unsafe { asm!("pushfq", "pop {}", out(reg) flags, options(preserves_flags)) };
    flags
}
