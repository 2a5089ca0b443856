//! Who runs next: round robin, and nobody is interrupted.
//!
//! The queue holds the processes that could run, without the one that does. A process gives way in `sched_yield`, when it
//! waits and when it ends.

mod queue;

use crate::arch;
use crate::log;
use crate::process::{self, Pid};
use crate::sync::Lock;
use queue::Queue;

static READY: Lock<Queue<{ crate::mm::MAX_STACKS }>> = Lock::new(Queue::new());

/// Puts a process at the end of the queue.
pub(crate) fn enqueue(pid: Pid) {
    READY.lock().push(pid);
}

/// Lets the others run first.
pub(crate) fn yield_now() {
    let next = READY.lock().pop();
    if let Some(next) = next {
        enqueue(process::with_table(|table| table.current()));
        process::switch_to(next);
    }
}

/// Stops the process that runs until someone enqueues it; it has said what for. Nothing else can make a process ready, so
/// when nobody is, nobody ever will be.
pub(crate) fn block() {
    let next = READY.lock().pop();
    match next {
        Some(next) => process::switch_to(next),
        None => report_deadlock(),
    }
}

/// Stops the process that runs for good.
pub(crate) fn leave() -> ! {
    block();
    unreachable!("a process that ended is not enqueued");
}

fn report_deadlock() -> ! {
    process::with_table(|table| {
        for (pid, state) in table.waiting() {
            log::line(format_args!("deadlock: process {} is {state:?}", pid.as_u32()));
        }
    });
    arch::halt_forever();
}
