//! What a child, a thread and another program have of actions.
#![allow(unsafe_code, reason = "execve takes an array of pointers")]

use core::ffi::CStr;

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::linux::process::{SIGUSR1, SIGUSR2};
use abi::linux::signal::{SA_RESTART, SIG_DFL, SIG_IGN, SS_DISABLE};
use guest_user::syscall::handler::{Action, Stack, action_of, alternate_stack, set_alternate_stack};
use guest_user::syscall::process;
use guest_user::syscall::signal::SignalSet;
use guest_user::{Arguments, Span, child, thread};

use crate::{fact, on, record, runs, send_self};

const AFTER_EXECVE: &CStr = c"after-execve";

pub(crate) fn is_after_execve(arguments: Arguments) -> bool {
    arguments.get(1) == Some(AFTER_EXECVE.to_bytes())
}

pub(crate) fn facts(arguments: Arguments) {
    runs();
    on(SIGUSR1, Action::run(record));
    on(
        SIGUSR2,
        Action::IGNORE
            .with(SA_RESTART)
            .blocking(SignalSet::of(&[SIGUSR1])),
    );
    let status = child::run(|| {
        send_self(SIGUSR1);
        fact("a child has its parent's handlers", runs());
        on(SIGUSR1, Action::IGNORE);
    });
    fact("the child", status);
    send_self(SIGUSR1);
    fact("the parent has its own", runs());
    thread::spawn(|| on(SIGUSR1, Action::IGNORE))
        .expect("clone")
        .join();
    send_self(SIGUSR1);
    fact("a thread changes those of all", runs());
    on(SIGUSR1, Action::run(record));

    let stack = Span::map(16 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    set_alternate_stack(Stack::on(stack)).expect("sigaltstack");
    let path = arguments.c_str(0).expect("a program has a name");
    let status = child::run(|| {
        let argv = [path.as_ptr(), AFTER_EXECVE.as_ptr(), core::ptr::null()];
        // SAFETY: two strings and a null pointer.
        let errno = unsafe { process::execve(path, &argv) };
        fact("execve", errno);
    });
    fact("the child", status);
}

/// The same program, for the second time in its process.
pub(crate) fn after_execve() -> i32 {
    let handled = action_of(SIGUSR1).expect("rt_sigaction");
    let ignored = action_of(SIGUSR2).expect("rt_sigaction");
    fact("a handler from before execve is gone", handled.handler == SIG_DFL);
    fact("what was ignored is ignored", ignored.handler == SIG_IGN);
    fact("without flags", ignored.flags);
    fact("without a mask", ignored.mask == SignalSet::default());
    let stack = alternate_stack().expect("sigaltstack");
    fact(
        "there is no alternate stack",
        stack.flags == u64::from(SS_DISABLE),
    );
    send_self(SIGUSR1);
    0
}
