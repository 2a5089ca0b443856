//! rt_sigaction, and what becomes of masks.
#![allow(unsafe_code, reason = "passes addresses at which there is nothing")]

use core::sync::atomic::{AtomicU64, Ordering::SeqCst};

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_NONE};
use abi::linux::process::{SIGCHLD, SIGKILL, SIGSTOP, SIGTERM, SIGUSR1, SIGUSR2};
use abi::linux::signal::{
    SA_NODEFER, SA_RESETHAND, SA_RESTORER, SIG_DFL, SIG_IGN, SIG_SETMASK, SIGSET_BYTES,
};
use guest_user::syscall::handler::{Action, Context, Information, action_of, set_action, set_action_at};
use guest_user::syscall::signal::{
    SignalName, SignalSet, block, change_mask, pending, pending_into, unblock,
};
use guest_user::syscall::{Outcome, process};
use guest_user::{Span, child};

use crate::{CODE, SIGNAL, fact, on, record, runs, send_self};

/// A flag that Linux uses to find out what a kernel knows.
const SA_UNSUPPORTED: u64 = 0x400;

/// The mask with which a handler ran.
static MASK: AtomicU64 = AtomicU64::new(0);

extern "C" fn record_mask(signal: u32, information: &Information, context: &mut Context) {
    MASK.store(mask().0, SeqCst);
    record(signal, information, context);
}

extern "C" fn send_again(signal: u32, information: &Information, context: &mut Context) {
    record(signal, information, context);
    if information.code() == 0 && crate::RUNS.load(SeqCst) < 3 {
        send_self(signal);
    }
}

pub(crate) fn facts() {
    refusals();
    running();
    masks();
    pending_signals();
}

fn mask() -> SignalSet {
    unblock(SignalSet::default()).expect("rt_sigprocmask")
}

fn refusals() {
    let span = Span::map(PAGE_SIZE, PROT_NONE, MAP_PRIVATE).expect("mmap");
    let action = Action::run(record);
    let usual = &raw const action as u64;
    let case = |what, arguments| {
        // SAFETY: no Rust object lies at the addresses for old actions; the handler is one for any signal.
        fact(what, Outcome::from(unsafe { set_action_at(arguments) }));
    };
    for (what, signal) in [
        ("signal 0", 0),
        ("signal 65", 65),
        ("SIGKILL", SIGKILL),
        ("SIGSTOP", SIGSTOP),
    ] {
        case(what, [signal.into(), usual, 0, SIGSET_BYTES]);
    }
    case("SIGKILL is asked for", [SIGKILL.into(), 0, 0, SIGSET_BYTES]);
    case("a set of 4 bytes", [SIGUSR1.into(), usual, 0, 4]);
    case(
        "an action that cannot be read",
        [SIGUSR1.into(), span.address(), 0, SIGSET_BYTES],
    );
    case(
        "one in the kernel's half",
        [SIGUSR1.into(), 1 << 63, 0, SIGSET_BYTES],
    );
    case(
        "nowhere for the old one",
        [SIGUSR1.into(), usual, span.address(), SIGSET_BYTES],
    );
    let is_new = action_of(SIGUSR1).map(|action| action.handler > SIG_IGN);
    fact("it is another all the same", is_new == Ok(true));
    let all = Action::run(record)
        .with(SA_UNSUPPORTED)
        .blocking(SignalSet(u64::MAX));
    fact("the old one is told", set_action(SIGUSR1, all) == Ok(action));
    let told = action_of(SIGUSR1).expect("rt_sigaction");
    fact("flags that nothing is are not", told.flags == action.flags);
    fact("SIGKILL is in its mask", told.mask.contains(SIGKILL));
    fact("others are", told.mask.contains(SIGTERM));
    on(SIGUSR1, Action::DEFAULT);
}

fn running() {
    on(SIGUSR1, Action::run(record));
    send_self(SIGUSR1);
    fact("it has run when kill returns", runs());
    fact("for", SignalName(SIGNAL.load(SeqCst)));
    fact("with the code", CODE.load(SeqCst));
    send_self(SIGUSR1);
    send_self(SIGUSR1);
    fact("twice", runs());

    on(SIGUSR1, Action::IGNORE);
    send_self(SIGUSR1);
    fact("ignored", runs());
    on(SIGUSR1, Action::run(record).with(SA_RESETHAND));
    send_self(SIGUSR1);
    fact("once only", runs());
    let handler = action_of(SIGUSR1).map(|action| action.handler);
    fact("then by default", handler == Ok(SIG_DFL));
    fact("which ends the process", child::run(|| send_self(SIGUSR1)));

    let without_restorer = Action {
        flags: Action::run(record).flags & !SA_RESTORER,
        ..Action::run(record)
    };
    let status = child::run(|| {
        on(SIGUSR1, without_restorer);
        send_self(SIGUSR1);
    });
    fact("nothing to return to", status);
    let status = child::run(|| {
        on(SIGTERM, Action::IGNORE);
        send_self(SIGTERM);
        process::exit(3)
    });
    fact("SIGTERM ignored", status);
    let status = child::run(|| {
        on(SIGTERM, Action::run(record));
        on(SIGTERM, Action::DEFAULT);
        send_self(SIGTERM);
        process::exit(3)
    });
    fact("by default again", status);
}

fn masks() {
    let before = mask();
    let case = |what, action: Action| {
        on(SIGUSR1, action);
        send_self(SIGUSR1);
        let while_it_ran = SignalSet(MASK.load(SeqCst));
        fact(what, runs());
        fact("blocks itself", while_it_ran.contains(SIGUSR1));
        fact("blocks SIGUSR2", while_it_ran.contains(SIGUSR2));
        fact("the mask is as before", mask() == before);
        change_mask(SIG_SETMASK, before).expect("rt_sigprocmask");
    };
    let action = Action::run(record_mask);
    case("a handler", action);
    case("with a mask", action.blocking(SignalSet::of(&[SIGUSR2])));
    case("not deferred", action.with(SA_NODEFER));

    on(SIGUSR1, Action::run(send_again));
    send_self(SIGUSR1);
    fact("sent again by its handler", runs());
    on(SIGUSR1, Action::run(send_again).with(SA_NODEFER));
    send_self(SIGUSR1);
    fact("not deferred", runs());
}

fn pending_signals() {
    on(SIGUSR1, Action::run(record));
    on(SIGUSR2, Action::run(record));
    let both = SignalSet::of(&[SIGUSR1, SIGUSR2]);
    fact("none is pending", pending() == Ok(SignalSet::default()));
    block(both).expect("rt_sigprocmask");
    send_self(SIGUSR1);
    send_self(SIGUSR2);
    fact("two are", pending() == Ok(both));
    fact("neither has run", runs());
    unblock(SignalSet::of(&[SIGUSR1])).expect("rt_sigprocmask");
    fact("one is unblocked", runs());
    fact("it is", SignalName(SIGNAL.load(SeqCst)));
    on(SIGUSR2, Action::IGNORE);
    fact(
        "the other is ignored and gone",
        pending() == Ok(SignalSet::default()),
    );
    on(SIGUSR2, Action::run(record));
    unblock(both).expect("rt_sigprocmask");
    fact("it does not come", runs());
    block(both).expect("rt_sigprocmask");
    send_self(SIGUSR2);
    send_self(SIGUSR1);
    unblock(both).expect("rt_sigprocmask");
    fact("both are unblocked", runs());
    fact(
        "the last to run was entered first",
        SignalName(SIGNAL.load(SeqCst)),
    );
    on(SIGCHLD, Action::IGNORE);
    block(SignalSet::of(&[SIGCHLD])).expect("rt_sigprocmask");
    send_self(SIGCHLD);
    let waits = pending().map(|set| set.contains(SIGCHLD));
    fact("ignored and blocked, it waits", waits == Ok(true));
    on(SIGCHLD, Action::DEFAULT);
    unblock(SignalSet::of(&[SIGCHLD])).expect("rt_sigprocmask");

    let span = Span::map(PAGE_SIZE, PROT_NONE, MAP_PRIVATE).expect("mmap");
    fact("a set of 9 bytes", Outcome::from(pending_into(span, 9)));
    fact("of none", Outcome::from(pending_into(span, 0)));
    fact("nowhere", Outcome::from(pending_into(span, 8)));
}
