//! States of a thread, as the kernel reports them in [`crate::event::SWITCHED`].
//!
//! ```text
//!   created ──> runnable <──────────────── woken ─┐
//!                  │  ^                           │
//!                  v  └─ yields, slice used up    │
//!               running ──> sleeping on something ┘
//!                  │
//!                  └──> ended (a process: zombie, until it is reaped)
//! ```

use crate::named_numbers;

named_numbers! {
    /// Name of a thread state.
    thread_state_name: u64 {
        /// Could run, and another one does.
        RUNNABLE = 1;
        /// Waits for what the sleep reason says.
        SLEEPING = 2;
        /// Will never run again.
        ENDED = 3;
    }
}

named_numbers! {
    /// Name of what a sleeping thread waits for; 0 for a thread that does not sleep.
    sleep_reason_name: u64 {
        /// A child's end.
        CHILD = 1;
        /// A moment.
        TIMER = 2;
        /// A futex.
        FUTEX = 3;
        /// The end of the other threads of its process.
        THREADS = 4;
        /// A signal.
        SIGNAL = 5;
        /// A page that another thread or process is to provide, or to allow stores to.
        USER_FAULT = 6;
        /// A file that is ready.
        READY = 7;
        /// A signal that lets its process go on.
        STOPPED = 8;
    }
}
