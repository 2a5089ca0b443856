//! Processes that are none.

use core::sync::atomic::{AtomicI32, Ordering::SeqCst};

use abi::linux::process::SIGCHLD;
use guest_user::syscall::process;
use guest_user::syscall::signal::{SignalSet, block, unblock, wait_for};
use guest_user::syscall::thread::thread_id;
use guest_user::{child, thread};

use crate::{Setting, fact};

/// Number of a thread that is not its process's first; 0 before there is one, and after it may end.
static THREAD: AtomicI32 = AtomicI32::new(0);

pub(crate) fn cases(setting: Setting) {
    let open = |target| setting.try_open(target, setting.start(), setting.end());
    fact("process 0", open(0));
    fact("process -1", open(-1));
    fact("a process that is not there", open(i32::MAX));
    fact("the lowest number there is", open(i32::MIN));

    let other = thread::spawn(|| {
        THREAD.store(thread_id(), SeqCst);
        while THREAD.load(SeqCst) != 0 {
            process::sched_yield();
        }
    });
    let other = other.expect("clone");
    while THREAD.load(SeqCst) == 0 {
        process::sched_yield();
    }
    fact("a thread that is no process", open(THREAD.load(SeqCst)));
    THREAD.store(0, SeqCst);
    other.join();

    let ends = SignalSet::of(&[SIGCHLD]);
    block(ends).expect("rt_sigprocmask");
    let zombie = child::start(|| {});
    while wait_for(ends, None).expect("rt_sigtimedwait").pid != zombie {}
    fact("a child that has ended", open(zombie));
    process::wait(zombie, 0).expect("wait4");
    unblock(ends).expect("rt_sigprocmask");
    fact("the same, when it is gone", open(zombie));
    fact("the caller itself", open(process::process_id()));
}
