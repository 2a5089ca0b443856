//! What ends a wait without a page.

use core::ffi::CStr;

use abi::linux::mman::{MADV_DONTNEED, PROT_NONE};
use abi::linux::process::SIGKILL;
use abi::linux::syscall::{O_CLOEXEC, O_NONBLOCK};
use guest_user::facts::section;
use guest_user::syscall::process::{self, WaitStatus};
use guest_user::{Span, Userfaultfd, child};

use crate::faults::{join, loaded, loader, registered};
use crate::{fact, page, println};

pub(crate) fn facts() {
    section("the page can be had", possible);
    section("it cannot", impossible);
    section("the process ends", ending);
}

/// A thread waits for the page, and then that happens.
fn after(f: impl FnOnce(Userfaultfd, Span)) -> impl core::fmt::Display {
    let (uffd, span) = registered(O_NONBLOCK, 0, 1);
    let thread = loader(span, 0, 0);
    let _ = uffd.next_message();
    f(uffd, span);
    join(thread, 0);
    loaded(0)
}

fn possible() {
    fact("close", after(|uffd, _| uffd.close()));
    fact(
        "unregister",
        after(|uffd, span| uffd.unregister(span).expect("UFFDIO_UNREGISTER")),
    );
    let (uffd, span) = registered(O_NONBLOCK, 0, 2);
    uffd.fill_with_zeros(page(span, 0), 0).0.expect("UFFDIO_ZEROPAGE");
    page(span, 0).advise(MADV_DONTNEED).expect("madvise");
    let thread = loader(span, 0, 0);
    fact("a page that madvise dropped", uffd.next_message().kind());
    uffd.close();
    join(thread, 0);
    fact("after close", loaded(0));
}

/// How a child ends one of whose threads waits for the page when that happens; it would go on with 7.
fn fate_after(flags: u64, f: impl FnOnce(Userfaultfd, Span)) -> WaitStatus {
    child::run(|| {
        let (uffd, span) = registered(flags, 0, 1);
        let thread = loader(span, 0, 0);
        let _ = uffd.next_message();
        f(uffd, span);
        join(thread, 0);
        process::exit(7);
    })
}

fn impossible() {
    let fate = fate_after(O_NONBLOCK, |uffd, span| {
        span.unmap().expect("munmap");
        uffd.wake(span).expect("UFFDIO_WAKE");
    });
    fact("munmap", fate);
    let fate = fate_after(O_NONBLOCK, |uffd, span| {
        span.protect(PROT_NONE).expect("mprotect");
        uffd.wake(span).expect("UFFDIO_WAKE");
    });
    fact("mprotect", fate);
}

fn ending() {
    fact("exit", fate_after(O_NONBLOCK, |_, _| process::exit(3)));
    fact(
        "kill",
        fate_after(O_NONBLOCK, |_, _| {
            process::kill(process::process_id(), SIGKILL.into()).expect("kill");
        }),
    );
    for (name, flags) in [
        ("execve", O_NONBLOCK),
        ("execve that closes", O_NONBLOCK | O_CLOEXEC),
    ] {
        let fate = fate_after(flags, |_, _| {
            println!("  {name}:");
            execute(c"exit-status", c"5");
        });
        fact("ended", fate);
    }
}

#[allow(unsafe_code, reason = "execve takes pointers")]
fn execute(path: &CStr, argument: &CStr) {
    let argv = [path.as_ptr(), argument.as_ptr(), core::ptr::null()];
    // SAFETY: `argv` is as the call wants it.
    let errno = unsafe { process::execve(path, &argv) };
    println!("execve: {errno}");
}
