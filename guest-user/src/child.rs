//! Children that run a function.

use abi::linux::process::{SIGKILL, WAIT_EXIT_SHIFT};

use crate::Span;
use crate::syscall::process::{self, Fork, WaitStatus};

/// Forks a child that runs `body` and exits with status 0, and gives its process id.
pub fn start(body: impl FnOnce()) -> i32 {
    match process::fork().expect("fork") {
        Fork::Child => {
            body();
            process::exit(0)
        }
        Fork::Parent(child) => child,
    }
}

/// As [`start`], and waits for the child to end.
pub fn run(body: impl FnOnce()) -> WaitStatus {
    let child = start(body);
    process::wait(child, 0)
        .expect("wait4")
        .expect("without WNOHANG wait4 returns only with an ended child")
        .status
}

/// How a child ends that loads the byte at `offset_bytes` in the span.
pub fn fate_of_load(span: Span, offset_bytes: u64) -> WaitStatus {
    run(|| {
        let _ = span.load(offset_bytes);
    })
}

/// How a child ends that stores 1 at `offset_bytes` in the span.
pub fn fate_of_store(span: Span, offset_bytes: u64) -> WaitStatus {
    run(|| span.store(offset_bytes, 1))
}

/// Ends a child that does not end by itself, and takes its status.
///
/// # Panics
///
/// When there is no such child.
pub fn end(child: i32) {
    process::kill(child, SIGKILL.into()).expect("kill");
    process::wait(child, 0).expect("wait4");
}

/// What a child does that is there to get signals: it gives way for ever.
pub fn wait_for_ever() {
    loop {
        process::sched_yield();
    }
}

/// Whether a status says that the process exited with `code`.
#[must_use]
pub fn exited_with(status: WaitStatus, code: i32) -> bool {
    status.0 == (code as u32) << WAIT_EXIT_SHIFT
}
