//! What a child has of its parent's signals, and a program of the one before it.
#![allow(unsafe_code, reason = "execve takes an array of pointers")]

use core::ffi::CStr;

use abi::linux::process::{SIGTERM, SIGUSR1};
use guest_user::syscall::process;
use guest_user::syscall::signal::{SignalSet, block};
use guest_user::{Arguments, child};

use crate::{fact, send_self, take};

const AFTER_EXECVE: &CStr = c"after-execve";

pub(crate) fn is_after_execve(arguments: Arguments) -> bool {
    arguments.get(1) == Some(AFTER_EXECVE.to_bytes())
}

pub(crate) fn facts(arguments: Arguments) {
    block(SignalSet::of(&[SIGTERM, SIGUSR1])).expect("rt_sigprocmask");
    send_self(SIGUSR1);
    let status = child::run(|| {
        fact("a child has its parent's pending signals", take(&[SIGUSR1]));
        send_self(SIGTERM);
        fact("a child has its parent's mask", take(&[SIGTERM]));
    });
    fact("the child", status);
    fact("the parent has its own", take(&[SIGUSR1]));

    let path = arguments.c_str(0).expect("a program has a name");
    let status = child::run(|| {
        send_self(SIGTERM);
        let argv = [path.as_ptr(), AFTER_EXECVE.as_ptr(), core::ptr::null()];
        // SAFETY: two strings and a null pointer.
        let errno = unsafe { process::execve(path, &argv) };
        fact("execve", errno);
    });
    fact("the child", status);
}

/// The same program, for the second time in its process.
pub(crate) fn after_execve() -> i32 {
    fact("a signal from before execve", take(&[SIGTERM]));
    send_self(SIGUSR1);
    fact("the mask from before execve", take(&[SIGUSR1]));
    0
}
