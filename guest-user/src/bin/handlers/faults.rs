//! Exceptions with handlers.
#![allow(unsafe_code, reason = "instructions that fault")]

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE};
use abi::linux::process::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
use abi::linux::signal::{UC_ERROR_CODE_OFFSET, UC_RIP_OFFSET};
use abi::linux::syscall::O_NONBLOCK;
use abi::linux::userfaultfd::{UFFD_FEATURE_SIGBUS, UFFDIO_REGISTER_MODE_MISSING};
use guest_user::syscall::handler::{Action, Context, Information};
use guest_user::syscall::process;
use guest_user::syscall::signal::{SignalName, SignalSet, block};
use guest_user::{Span, Userfaultfd, child};

use crate::{ADDRESS, CODE, SIGNAL, around, fact, on, record, runs, send_self};

/// Where a program goes on whose instruction cannot be skipped.
static RESUME: AtomicU64 = AtomicU64::new(0);
/// Error code of the last exception.
static ERROR_CODE: AtomicU64 = AtomicU64::new(0);

const WRITABLE: u64 = PROT_READ | PROT_WRITE;

/// Makes the page accessible, so that the access can be made again.
extern "C" fn mend(signal: u32, information: &Information, context: &mut Context) {
    record(signal, information, context);
    ERROR_CODE.store(context.get(UC_ERROR_CODE_OFFSET), SeqCst);
    let page = information.address() / PAGE_SIZE * PAGE_SIZE;
    // SAFETY: only accesses to spans fault where this is the handler.
    let page = unsafe { Span::at(page, PAGE_SIZE) };
    page.protect(WRITABLE).expect("mprotect");
}

extern "C" fn skip(signal: u32, information: &Information, context: &mut Context) {
    record(signal, information, context);
    around::skip(context);
}

extern "C" fn resume(signal: u32, information: &Information, context: &mut Context) {
    record(signal, information, context);
    // SAFETY: the address behind the instruction that has faulted.
    unsafe { context.set(UC_RIP_OFFSET, RESUME.load(SeqCst)) };
}

extern "C" fn exit_with_2(_: u32, _: &Information, _: &mut Context) {
    process::exit(2);
}

extern "C" fn fault_again(_: u32, _: &Information, _: &mut Context) {
    let _ = null().load(8);
}

fn null() -> Span {
    // SAFETY: nothing of Rust's lies at the bottom.
    unsafe { Span::at(0, PAGE_SIZE) }
}

pub(crate) fn facts() {
    mending();
    mapping();
    instructions();
    endings();
}

fn mending() {
    on(SIGSEGV, Action::run(mend));
    let span = Span::map(2 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE).expect("mmap");
    span.store(5, 7);
    fact("a store that is mended", span.load(5));
    fact("the handler ran", runs());
    fact("the code", CODE.load(SeqCst));
    fact(
        "the address is the store's",
        ADDRESS.load(SeqCst) == span.address() + 5,
    );
    fact("it was a store", ERROR_CODE.load(SeqCst) & 2 != 0);
    let _ = span.load(PAGE_SIZE + 9);
    fact("a load", runs());
    fact("its code", CODE.load(SeqCst));
    fact("it was a store", ERROR_CODE.load(SeqCst) & 2 != 0);
    span.protect(PROT_READ).expect("mprotect");
    span.store_u64(PAGE_SIZE - 4, u64::MAX);
    fact("a store across two pages", runs());
    fact("it holds", span.load_u64(PAGE_SIZE - 4) == u64::MAX);
}

fn mapping() {
    on(SIGSEGV, Action::run(resume));
    let gone = Span::map(PAGE_SIZE, WRITABLE, MAP_PRIVATE).expect("mmap");
    gone.unmap().expect("munmap");
    report("unmapped", || load(gone.address() + 3));
    fact("the address", ADDRESS.load(SeqCst) == gone.address() + 3);
    report("null", || load(0));
    report("the kernel's half", || load(0xffff_8000_0000_1000));
    report("no half", || load(0x1234_5678_9abc_def0));
    fact("the address", ADDRESS.load(SeqCst));

    on(SIGBUS, Action::run(resume));
    let span = Span::map(PAGE_SIZE, WRITABLE, MAP_PRIVATE).expect("mmap");
    let uffd = Userfaultfd::open(O_NONBLOCK, UFFD_FEATURE_SIGBUS);
    uffd.register(span, UFFDIO_REGISTER_MODE_MISSING)
        .expect("UFFDIO_REGISTER");
    report("nobody has the page", || load(span.address() + 6));
    fact("the address", ADDRESS.load(SeqCst) == span.address() + 6);
    uffd.close();
    on(SIGBUS, Action::DEFAULT);
}

/// Loads a byte. Handlers go on behind that.
fn load(address: u64) {
    // SAFETY: the byte is not looked at; what else the instructions do is store an address in RESUME.
    unsafe {
        asm!(
            "lea {next}, [rip + 2f]",
            "mov [{resume}], {next}",
            "mov {next:l}, byte ptr [{address}]",
            "2:",
            next = out(reg_abcd) _,
            resume = in(reg) RESUME.as_ptr(),
            address = in(reg) address,
            options(nostack),
        );
    }
}

/// Makes an exception, and tells what the handler was told.
fn report(what: &str, cause: impl FnOnce()) {
    cause();
    let (signal, code) = (SignalName(SIGNAL.load(SeqCst)), CODE.load(SeqCst));
    fact(what, format_args!("{signal}, code {code}, ran {}", runs()));
}

/// Declares functions that execute instructions of which one faults, before a label.
macro_rules! faulting {
    ($($name:ident: $($instruction:literal),*;)*) => {
        $(fn $name() {
            // SAFETY: whatever the handler does, it goes on behind the label.
            unsafe {
                asm!(
                    "lea rax, [rip + 2f]",
                    "mov [rcx], rax",
                    "lea rax, [rip + 3f]",
                    "mov [rcx + 8], rax",
                    $($instruction,)*
                    "2:",
                    out("rax") _,
                    inout("rcx") PLACES.as_ptr() => _,
                    out("rdx") _,
                    out("rsi") _,
                );
            }
        })*
    };
}

/// Where to go on, and the instruction that faults.
static PLACES: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

faulting! {
    divide: "xor edx, edx", "xor esi, esi", "mov eax, 1", "3:", "div esi";
    undefined: "3:", "ud2";
    breakpoint: "3:", "int3";
    privileged: "3:", "hlt";
    sse_divide: "push 0x1d80", "ldmxcsr [rsp]", "mov eax, 0x3f800000", "movd xmm0, eax", "pxor xmm1, xmm1",
        "3:", "divss xmm0, xmm1", "2:", "push 0x1f80", "ldmxcsr [rsp]", "add rsp, 16";
}

extern "C" fn go_on(signal: u32, information: &Information, context: &mut Context) {
    record(signal, information, context);
    // SAFETY: the label of the function that has faulted.
    unsafe { context.set(UC_RIP_OFFSET, PLACES[0].load(SeqCst)) };
}

fn instructions() {
    for signal in [SIGFPE, SIGILL, SIGTRAP, SIGSEGV] {
        on(signal, Action::run(go_on));
    }
    let is_there = || ADDRESS.load(SeqCst) == PLACES[1].load(SeqCst);
    report("a division by zero", divide);
    fact("the address is the instruction's", is_there());
    report("no instruction", undefined);
    fact("the address is the instruction's", is_there());
    report("a breakpoint", breakpoint);
    fact("the address", ADDRESS.load(SeqCst));
    report("a privileged instruction", privileged);
    fact("the address", ADDRESS.load(SeqCst));
    report("a floating-point division by zero", sse_divide);
    fact("the address is the instruction's", is_there());
    for signal in [SIGFPE, SIGILL, SIGTRAP] {
        on(signal, Action::DEFAULT);
    }
}

fn endings() {
    on(SIGSEGV, Action::run(exit_with_2));
    let fault = || {
        let _ = null().load(0);
    };
    fact("a handler that exits", child::run(fault));
    let status = child::run(|| {
        block(SignalSet::of(&[SIGSEGV])).expect("rt_sigprocmask");
        fault();
    });
    fact("blocked", status);
    let status = child::run(|| {
        on(SIGSEGV, Action::IGNORE);
        fault();
    });
    fact("ignored", status);
    let status = child::run(|| {
        on(SIGSEGV, Action::run(fault_again));
        fault();
    });
    fact("again in the handler", status);
    let status = child::run(|| {
        on(SIGSEGV, Action::DEFAULT);
        fault();
    });
    fact("by default", status);
    let status = child::run(|| send_self(SIGSEGV));
    fact("sent", status);
    on(SIGILL, Action::run(skip));
    around::red_zone();
    fact("skipped", runs());
    on(SIGILL, Action::DEFAULT);
    on(SIGSEGV, Action::DEFAULT);
}
