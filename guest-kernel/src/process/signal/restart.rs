//! Calls that go on where a signal has interrupted them, when no handler runs after all: their time is not what it was when they
//! began, so they cannot just be made again.

use crate::sched::Moment;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Restart {
    /// nanosleep: until when, and where the time that is left goes.
    Sleep { until: Moment, remaining: u64 },
    /// futex: the word, what it holds, until when, and the classes of wakers.
    Futex {
        word: u64,
        expected: u32,
        deadline: Moment,
        classes: u32,
    },
    /// poll: the descriptors, how many, and until when.
    Poll {
        descriptors: u64,
        count: u64,
        deadline: Option<Moment>,
    },
}
