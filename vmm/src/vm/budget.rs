//! What a guest has used of its budget of time, and whether the host has given it any.
//!
//! What counts against the guest is the processor time of the vCPU's thread while the guest runs or an exit of it is served: it
//! stands still while the host runs something else, and while the judge looks. A guest with a real clock can also let
//! time pass by halting; that counts too, less what its thread then waited for a processor, and unless a server of the host
//! may owe it an answer. Of the host's clock only one thing is said: that it has gone on for much longer than the guest could use.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::death::Cause;
use crate::scenario::{self, Clock};

/// Where Linux tells how long the calling thread has waited for a processor.
const SCHEDSTAT: &str = "/proc/thread-self/schedstat";
/// A guest with a real clock that has halted for good is found out so soon.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// What something outside sends to such a guest reaches it so soon.
pub(super) const AWAITED_INTERVAL: Duration = Duration::from_millis(2);

/// What a guest may use before it is stopped for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Exits to the VMM.
    pub exits: u64,
    /// Processor time, and with a real clock as much time in which it halts.
    pub processor_time: Duration,
    /// Time since the machine was made by the host's clock, whoever used it. To end by this says nothing of the guest.
    pub host_time: Duration,
    /// Real time for which the guest's virtual clock stands still when it waits for a server that the VMM has not started.
    pub answer_time: Duration,
}

impl Budget {
    /// How many times longer than a guest may compute the host may take for it.
    const HOST_FACTOR: u32 = 30;

    /// What a scenario gives its guest, for a kernel that may need `effort` times as much, on a host that is given `slow` times as long
    /// as others.
    #[must_use]
    pub fn of(budget: &scenario::Budget, effort: u32, slow: u32) -> Budget {
        let processor_time = Duration::from_secs(budget.seconds) * effort;
        Budget {
            exits: budget.exits.saturating_mul(effort.into()),
            processor_time,
            host_time: processor_time * Self::HOST_FACTOR * slow,
            answer_time: Duration::from_millis(budget.answer_ms) * slow,
        }
    }
}

/// Whether anything outside of the guest may still send it something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    Quiet,
    Awaited,
}

/// Keeps account of one guest. It belongs to the vCPU's thread.
pub(super) struct Usage {
    budget: Budget,
    made: Instant,
    clock: Clock,
    /// None with a virtual clock, under which nothing halts and goes on, and where Linux does not tell.
    schedstat: Option<File>,
    used: Used,
    entered: Option<(Reading, Outside)>,
    /// Since when nothing counts.
    suspended: Option<Instant>,
}

/// What the guest has used so far.
#[derive(Clone, Copy, Default)]
struct Used {
    processor: Duration,
    halted: Duration,
}

/// What the thread has done since it began.
#[derive(Clone, Copy)]
struct Reading {
    processor: Duration,
    /// Ready to run, and not running.
    delayed: Duration,
    at: Instant,
}

impl Usage {
    /// For a guest whose machine is made now, by this thread.
    pub(super) fn new(budget: Budget, clock: Clock) -> Self {
        Self {
            budget,
            made: Instant::now(),
            clock,
            schedstat: match clock {
                Clock::Virtual => None,
                Clock::Real => File::open(SCHEDSTAT).ok(),
            },
            used: Used::default(),
            entered: None,
            suspended: None,
        }
    }

    /// The guest runs from now on.
    pub(super) fn enter(&mut self, outside: Outside) {
        self.entered = self.suspended.is_none().then(|| (self.read(), outside));
    }

    /// The guest stands still from now on.
    pub(super) fn leave(&mut self, outside: Outside) {
        self.used = self.used(outside);
        self.entered = None;
    }

    /// The host has done something else for so long.
    pub(super) fn has_waited(&mut self, time: Duration) {
        self.made += time;
    }

    /// From now on nothing counts, until [`Self::resume`].
    pub(super) fn suspend(&mut self) {
        self.suspended.get_or_insert_with(Instant::now);
    }

    /// The guest runs on, and what it uses counts again.
    pub(super) fn resume(&mut self, outside: Outside) {
        if let Some(since) = self.suspended.take() {
            self.has_waited(since.elapsed());
            self.enter(outside);
        }
    }

    /// Whether the guest may go on: how long it may until the next look, or what ends it.
    pub(super) fn look(&self, outside: Outside) -> Result<Duration, Cause> {
        let left = match self.suspended {
            Some(_) => LOOK_INTERVAL,
            None => self.left(outside)?,
        };
        Ok(match self.clock {
            Clock::Virtual => left,
            Clock::Real => left.min(match outside {
                Outside::Quiet => LOOK_INTERVAL,
                Outside::Awaited => AWAITED_INTERVAL,
            }),
        })
    }

    /// How much is left of what may run out first, or what has run out.
    fn left(&self, outside: Outside) -> Result<Duration, Cause> {
        let Used { processor, halted } = self.used(outside);
        let limit = self.budget.processor_time;
        // No processor gives a thread more time than passes.
        let left = limit.saturating_sub(processor);
        if left.is_zero() {
            return Err(Cause::OutOfProcessorTime { limit });
        }
        if outside == Outside::Quiet && halted >= limit {
            return Err(Cause::Idle { limit });
        }
        let limit = self.budget.host_time;
        let host_left = limit.saturating_sub(self.made.elapsed());
        if host_left.is_zero() {
            return Err(Cause::HostTooSlow { limit });
        }
        Ok(left.min(host_left))
    }

    fn used(&self, outside: Outside) -> Used {
        let Some((before, outside_before)) = self.entered else {
            return self.used;
        };
        let now = self.read();
        let processor = now.processor.saturating_sub(before.processor);
        let delayed = now.delayed.saturating_sub(before.delayed);
        let asleep = (now.at - before.at).saturating_sub(processor + delayed);
        let is_its_own = self.schedstat.is_some() && [outside_before, outside] == [Outside::Quiet; 2];
        Used {
            processor: self.used.processor + processor,
            halted: self.used.halted + if is_its_own { asleep } else { Duration::ZERO },
        }
    }

    fn read(&self) -> Reading {
        let processor = clock_gettime(ClockId::ThreadCPUTime);
        let delayed = self.schedstat.as_ref().and_then(|file| delay(file).ok());
        Reading {
            processor: processor.try_into().unwrap_or_default(),
            delayed: delayed.unwrap_or_default(),
            at: Instant::now(),
        }
    }
}

/// The second number of the file: nanoseconds on a run queue.
fn delay(schedstat: &File) -> io::Result<Duration> {
    let mut text = [0; 64];
    let len = schedstat.read_at(&mut text, 0)?;
    let text = String::from_utf8_lossy(&text[..len]);
    let number = text.split(' ').nth(1).and_then(|word| word.parse().ok());
    number
        .map(Duration::from_nanos)
        .ok_or(io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(3600);

    fn usage(processor_time: Duration, host_time: Duration, clock: Clock) -> Usage {
        let budget = Budget {
            exits: 1,
            processor_time,
            host_time,
            answer_time: Duration::ZERO,
        };
        Usage::new(budget, clock)
    }

    fn spin(mut usage: impl FnMut() -> Result<Duration, Cause>) -> Cause {
        loop {
            if let Err(cause) = usage() {
                return cause;
            }
        }
    }

    #[test]
    fn only_what_the_thread_computes_for_the_guest_counts() {
        let mut usage = usage(SHORT, LONG, Clock::Virtual);
        usage.enter(Outside::Quiet);
        sleep(2 * SHORT);
        assert!(usage.look(Outside::Quiet).is_ok(), "the thread slept");
        usage.leave(Outside::Quiet);
        let judge = clock_gettime(ClockId::ThreadCPUTime);
        let judge = Duration::try_from(judge).unwrap() + 2 * SHORT;
        while Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap() < judge {}
        assert!(usage.look(Outside::Quiet).is_ok(), "the guest stood still");
        usage.enter(Outside::Quiet);
        let cause = spin(|| usage.look(Outside::Quiet));
        assert_eq!(cause, Cause::OutOfProcessorTime { limit: SHORT });
    }

    #[test]
    fn a_guest_that_halts_with_a_real_clock_uses_its_time_unless_it_waits_for_a_server() {
        for (outside, clock, ends) in [
            (Outside::Quiet, Clock::Real, true),
            (Outside::Awaited, Clock::Real, false),
            (Outside::Quiet, Clock::Virtual, false),
        ] {
            let mut usage = usage(SHORT, LONG, clock);
            usage.enter(outside);
            sleep(4 * SHORT);
            usage.leave(outside);
            let ended = usage.look(Outside::Quiet) == Err(Cause::Idle { limit: SHORT });
            assert_eq!(ended, ends, "{outside:?}, {clock:?}");
        }
    }

    #[test]
    fn what_is_used_while_nothing_counts_is_not_used() {
        let mut usage = usage(SHORT, SHORT, Clock::Virtual);
        usage.suspend();
        usage.enter(Outside::Quiet);
        sleep(2 * SHORT);
        assert!(usage.look(Outside::Quiet).is_ok());
        usage.resume(Outside::Quiet);
        assert!(
            usage.look(Outside::Quiet).is_ok(),
            "the time before does not count"
        );
        spin(|| usage.look(Outside::Quiet));
    }

    #[test]
    fn the_hosts_clock_says_that_the_host_is_too_slow_and_nothing_else() {
        let mut usage = usage(LONG, SHORT, Clock::Virtual);
        usage.enter(Outside::Quiet);
        assert_eq!(
            spin(|| usage.look(Outside::Quiet)),
            Cause::HostTooSlow { limit: SHORT }
        );
    }
}
