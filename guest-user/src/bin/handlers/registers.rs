//! With what a handler begins, and what the program has when it has returned.
#![allow(unsafe_code, reason = "changes what a program goes on with")]

use core::arch::{asm, naked_asm};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use abi::linux::process::{SIGILL, SIGUSR1, SIGUSR2};
use abi::linux::signal::{UC_RAX_OFFSET, UC_RIP_OFFSET, UC_SIGMASK_OFFSET};
use guest_user::syscall::handler::{Action, Context, Information};
use guest_user::syscall::signal::{SignalSet, unblock};

use crate::{around, fact, on, record, runs, send_self};

/// Offset of XMM0 in the state that `fxsave` saves.
const XMM0_OFFSET: u64 = 160;
const DIRECTION: u64 = 1 << 10;
const CARRY: u64 = 1;
/// All exceptions are masked, and numbers are rounded towards zero.
const MXCSR: u32 = 0x7f80;

static ENTRY_STACK: AtomicU64 = AtomicU64::new(0);
static ENTRY_FLAGS: AtomicU64 = AtomicU64::new(0);
static ENTRY_RAX: AtomicU64 = AtomicU64::new(1);
static SEEN_XMM0: AtomicU64 = AtomicU64::new(0);
static SEEN_MASK: AtomicU32 = AtomicU32::new(0);

/// Takes note of how it is entered.
#[unsafe(naked)]
extern "C" fn entered(_signal: u32, _information: &Information, _context: &mut Context) {
    naked_asm!(
        "mov [rip + {stack}], rsp",
        "mov [rip + {rax}], rax",
        "pushfq",
        "pop rax",
        "mov [rip + {flags}], rax",
        "jmp {go_on}",
        stack = sym ENTRY_STACK,
        rax = sym ENTRY_RAX,
        flags = sym ENTRY_FLAGS,
        go_on = sym skip,
    )
}

extern "C" fn skip(_: u32, _: &Information, context: &mut Context) {
    around::skip(context);
}

extern "C" fn skip_with_other_sse(_: u32, _: &Information, context: &mut Context) {
    SEEN_XMM0.store(context.fp_state().load_u64(XMM0_OFFSET), SeqCst);
    around::clobber_sse();
    around::skip(context);
}

extern "C" fn change_sse(_: u32, _: &Information, context: &mut Context) {
    context.fp_state().store_u64(XMM0_OFFSET, 77);
    around::skip(context);
}

extern "C" fn change_result(_: u32, _: &Information, context: &mut Context) {
    // SAFETY: kill gives that, which the program only looks at.
    unsafe { context.set(UC_RAX_OFFSET, 5) };
}

extern "C" fn change_mask(_: u32, _: &Information, context: &mut Context) {
    let before = SignalSet(context.get(UC_SIGMASK_OFFSET));
    SEEN_MASK.store(u32::from(before.contains(SIGUSR1)), SeqCst);
    // SAFETY: a mask.
    unsafe { context.set(UC_SIGMASK_OFFSET, SignalSet::of(&[SIGUSR2]).0) };
}

extern "C" fn go_elsewhere(_: u32, _: &Information, context: &mut Context) {
    // SAFETY: the function takes nothing and returns to where the one that was interrupted would.
    unsafe { context.set(UC_RIP_OFFSET, elsewhere as *const () as u64) };
}

#[unsafe(naked)]
extern "C" fn elsewhere() -> u64 {
    naked_asm!("mov eax, 9", "ret")
}

pub(crate) fn facts() {
    on(SIGILL, Action::run(entered));
    let mut after = [0; 16];
    around::all_registers(&mut after);
    let (general, flags) = (&after[..15], after[15]);
    fact(
        "kept",
        general
            .iter()
            .zip(1..)
            .filter(|&(&found, right)| found == right)
            .count(),
    );
    fact("flags are", flags & (DIRECTION | CARRY) == DIRECTION | CARRY);
    let entry = ENTRY_STACK.load(SeqCst);
    fact("a handler's stack is off 16 by", entry % 16);
    fact("the direction flag there", ENTRY_FLAGS.load(SeqCst) & DIRECTION);
    fact("RAX there", ENTRY_RAX.load(SeqCst));
    fact("the red zone holds", around::red_zone());

    on(SIGILL, Action::run(skip_with_other_sse));
    fact(
        "SSE registers are kept",
        around::sse(1234, MXCSR) == (1234, MXCSR),
    );
    fact("a handler sees them", SEEN_XMM0.load(SeqCst));
    on(SIGILL, Action::run(change_sse));
    fact("and changes them", around::sse(1234, MXCSR).0);
    on(SIGILL, Action::run(go_elsewhere));
    fact("it has the program go elsewhere", around::red_zone());
    on(SIGILL, Action::DEFAULT);

    on(SIGUSR1, Action::run(change_result));
    fact("the result of a call that it changes", raw_kill(SIGUSR1));
    on(SIGUSR1, Action::run(change_mask));
    send_self(SIGUSR1);
    fact("its own signal was blocked before", SEEN_MASK.load(SeqCst));
    on(SIGUSR2, Action::run(record));
    send_self(SIGUSR2);
    fact("one that it has blocked", runs());
    unblock(SignalSet::of(&[SIGUSR2])).expect("rt_sigprocmask");
    fact("unblocked", runs());
}

/// What kill of this process leaves in RAX.
fn raw_kill(signal: u32) -> u64 {
    let result;
    // SAFETY: a handler is there for the signal.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") abi::linux::syscall::KILL => result,
            in("rdi") guest_user::syscall::process::process_id(),
            in("rsi") signal,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}
