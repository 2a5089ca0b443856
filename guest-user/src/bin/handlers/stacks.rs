//! Alternate stacks.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE};
use abi::linux::process::{SIGSEGV, SIGUSR1};
use abi::linux::signal::{MINSIGSTKSZ, SA_NODEFER, SA_ONSTACK, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK};
use guest_user::syscall::handler::{
    Action, Context, Information, Stack, alternate_stack, set_alternate_stack, set_alternate_stack_at,
};
use guest_user::syscall::{Outcome, process};
use guest_user::{Board, Span, child, thread};

use crate::{fact, on, record, runs, send_self};

const STACK_BYTES: u64 = 8 * PAGE_SIZE;

/// Where a handler's frame lay, and what it was told of the stack and of changing it.
static FRAME: AtomicU64 = AtomicU64::new(0);
static FLAGS: AtomicU64 = AtomicU64::new(0);
static REFUSAL: AtomicU32 = AtomicU32::new(0);
static DEPTH: AtomicU32 = AtomicU32::new(0);

extern "C" fn look(signal: u32, information: &Information, context: &mut Context) {
    record(signal, information, context);
    FRAME.store(core::ptr::from_ref(context) as u64, SeqCst);
    FLAGS.store(alternate_stack().map_or(u64::MAX, |stack| stack.flags), SeqCst);
    let refusal = set_alternate_stack(Stack::NONE).map_or_else(|errno| errno.0, |_| 0);
    REFUSAL.store(refusal.cast_unsigned(), SeqCst);
}

extern "C" fn look_from_inside(signal: u32, information: &Information, context: &mut Context) {
    if DEPTH.fetch_add(1, SeqCst) == 0 {
        send_self(signal);
    } else {
        look(signal, information, context);
    }
}

extern "C" fn exit_with_4(_: u32, _: &Information, _: &mut Context) {
    process::exit(4);
}

pub(crate) fn facts() {
    let span = Span::map(STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    let small = Stack {
        len_bytes: MINSIGSTKSZ - 1,
        ..Stack::on(span)
    };
    let with = |flags: u32| Stack {
        flags: flags.into(),
        ..Stack::on(span)
    };
    let case = |what, stack| fact(what, Outcome::from(set_alternate_stack(stack)));
    fact(
        "there is none",
        alternate_stack().map_or(0, |stack| stack.flags) == u64::from(SS_DISABLE),
    );
    case("one that is too small", small);
    case("a flag that nothing is", with(4));
    case("both flags", with(SS_ONSTACK | SS_DISABLE));
    let span_of_none = Span::map(PAGE_SIZE, PROT_NONE, MAP_PRIVATE).expect("mmap");
    fact(
        "one that cannot be read",
        Outcome::from(set_alternate_stack_at(span_of_none.address())),
    );
    case("one", with(SS_ONSTACK));
    fact(
        "it is not in use",
        alternate_stack().map_or(9, |stack| stack.flags),
    );

    let is_there = || (span.address()..span.end()).contains(&FRAME.load(SeqCst));
    on(SIGUSR1, Action::run(look));
    send_self(SIGUSR1);
    fact("a handler that does not ask for it is there", is_there());
    on(SIGUSR1, Action::run(look).with(SA_ONSTACK));
    fact(
        "it can be given up where it is not used",
        REFUSAL.load(SeqCst) == 0,
    );
    case("another", Stack::on(span));
    send_self(SIGUSR1);
    fact("a handler that does", is_there());
    fact("it is in use", FLAGS.load(SeqCst));
    fact(
        "giving it up",
        guest_user::syscall::Errno(REFUSAL.load(SeqCst).cast_signed()),
    );
    fact(
        "it is not in use",
        alternate_stack().map_or(9, |stack| stack.flags),
    );
    on(
        SIGUSR1,
        Action::run(look_from_inside).with(SA_ONSTACK | SA_NODEFER),
    );
    send_self(SIGUSR1);
    fact("one inside it is there", is_there());
    let below_first = span.end() - FRAME.load(SeqCst) > 2 * 1024;
    fact("further down", below_first);
    runs();

    case("one that disarms itself", with(SS_AUTODISARM));
    on(SIGUSR1, Action::run(look).with(SA_ONSTACK));
    send_self(SIGUSR1);
    fact("a handler is there", is_there());
    fact("there is none then", FLAGS.load(SeqCst) == u64::from(SS_DISABLE));
    let back = alternate_stack().map(|stack| (stack.start, stack.flags));
    fact(
        "it is back",
        back == Ok((span.address(), u64::from(SS_AUTODISARM))),
    );
    case("none", Stack::NONE);
    send_self(SIGUSR1);
    fact("a handler that asks for none is there", is_there());
    runs();
    inherited(span);
    overflows(span);
}

fn inherited(span: Span) {
    set_alternate_stack(Stack::on(span)).expect("sigaltstack");
    let status = child::run(|| {
        let same = alternate_stack() == Ok(Stack::on(span));
        process::exit(i32::from(same));
    });
    fact("a child has its parent's", status);
    let board = Board::new();
    let other = thread::spawn(move || {
        board.post(0, alternate_stack().map_or(9, |stack| stack.flags));
    });
    other.expect("clone").join();
    fact("a thread has none", board.read(0) == u64::from(SS_DISABLE));
}

fn overflows(span: Span) {
    let status = child::run(|| {
        on(SIGSEGV, Action::run(exit_with_4).with(SA_ONSTACK));
        set_alternate_stack(Stack::on(span)).expect("sigaltstack");
        use_stack_up();
    });
    fact("a stack that is used up, with another one", status);
    let status = child::run(|| {
        on(SIGSEGV, Action::run(exit_with_4).with(SA_ONSTACK));
        set_alternate_stack(Stack::NONE).expect("sigaltstack");
        use_stack_up();
    });
    fact("without", status);
    let status = child::run(|| {
        let nowhere = Span::map(STACK_BYTES, PROT_NONE, MAP_PRIVATE).expect("mmap");
        on(SIGUSR1, Action::run(record).with(SA_ONSTACK));
        set_alternate_stack(Stack::on(nowhere)).expect("sigaltstack");
        send_self(SIGUSR1);
        process::exit(3);
    });
    fact("an alternate stack that cannot be written", status);
    let status = child::run(|| {
        let nowhere = Span::map(STACK_BYTES, PROT_NONE, MAP_PRIVATE).expect("mmap");
        on(SIGUSR1, Action::run(record).with(SA_ONSTACK));
        on(SIGSEGV, Action::run(exit_with_4));
        set_alternate_stack(Stack::on(nowhere)).expect("sigaltstack");
        send_self(SIGUSR1);
        process::exit(3);
    });
    fact("and a handler of SIGSEGV elsewhere", status);
    set_alternate_stack(Stack::NONE).expect("sigaltstack");
}

/// Calls itself until there is no stack left.
#[allow(unconditional_recursion, reason = "that is what it is for")]
fn use_stack_up() -> u64 {
    let page = [DEPTH.load(SeqCst); 1024];
    use_stack_up() + u64::from(core::hint::black_box(page)[5])
}
