//! Signals that wait, and where they come from.

use abi::linux::signal::{
    CLD_EXITED, CLD_KILLED, SI_ADDR_OFFSET, SI_CODE_OFFSET, SI_PID_OFFSET, SI_SIGNO_OFFSET, SI_STATUS_OFFSET,
    SI_TKILL, SI_UID_OFFSET, SI_USER, SIGINFO_BYTES,
};

use super::{Signal, SignalSet};

/// Where a signal comes from, as a `siginfo_t` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    code: i32,
    told: Told,
}

/// What else it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// The sender, or the child and how it ended.
    Process { pid: u32, uid: u32, status: u32 },
    /// What could not be accessed, or the instruction that could not be executed.
    Address(u64),
}

impl Origin {
    /// For a signal of which nothing was kept: a process that is not there.
    const UNKNOWN: Self = Self::kill(0, 0);

    /// kill by that process, of that user.
    pub(crate) const fn kill(pid: u32, uid: u32) -> Self {
        Self {
            code: SI_USER,
            told: Told::Process { pid, uid, status: 0 },
        }
    }

    /// tgkill by that process, of that user.
    pub(crate) const fn kill_thread(pid: u32, uid: u32) -> Self {
        Self {
            code: SI_TKILL,
            ..Self::kill(pid, uid)
        }
    }

    /// The end of that child, of that user, with a status as wait4 gives it.
    pub(crate) fn child(pid: u32, uid: u32, wait_status: u32) -> Self {
        use abi::linux::process::{WAIT_EXIT_SHIFT, WAIT_SIGNAL_MASK};
        let signal = wait_status & WAIT_SIGNAL_MASK;
        let (code, status) = if signal == 0 {
            (CLD_EXITED, wait_status >> WAIT_EXIT_SHIFT)
        } else {
            (CLD_KILLED, signal)
        };
        Self {
            code,
            told: Told::Process { pid, uid, status },
        }
    }

    /// That child, of that user, has stopped or goes on, because of that signal.
    pub(crate) const fn child_lives(pid: u32, uid: u32, code: i32, signal: u32) -> Self {
        Self {
            code,
            told: Told::Process {
                pid,
                uid,
                status: signal,
            },
        }
    }

    /// An exception at that address.
    pub(crate) const fn exception(code: i32, address: u64) -> Self {
        Self {
            code,
            told: Told::Address(address),
        }
    }

    /// The kernel, which tells nothing.
    pub(crate) const fn kernel(code: i32) -> Self {
        Self::exception(code, 0)
    }

    /// The `siginfo_t` of such a signal.
    pub(crate) fn info(self, signal: Signal) -> [u8; SIGINFO_BYTES] {
        let mut info = [0; SIGINFO_BYTES];
        let mut put = |offset: usize, word: u32| info[offset..][..4].copy_from_slice(&word.to_le_bytes());
        put(SI_SIGNO_OFFSET, signal.number());
        put(SI_CODE_OFFSET, self.code.cast_unsigned());
        match self.told {
            Told::Process { pid, uid, status } => {
                put(SI_PID_OFFSET, pid);
                put(SI_UID_OFFSET, uid);
                put(SI_STATUS_OFFSET, status);
            }
            Told::Address(address) => {
                put(SI_ADDR_OFFSET, address as u32);
                put(SI_ADDR_OFFSET + 4, (address >> 32) as u32);
            }
        }
        info
    }
}

/// How many origins are kept. Linux, too, lets go of the origins of signals that it has no room for.
const KEPT: usize = 4;

/// Signals that wait, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    set: SignalSet,
    origins: [Option<(Signal, Origin)>; KEPT],
}

impl Pending {
    /// A signal that waits already is not added again.
    pub(crate) fn add(&mut self, signal: Signal, origin: Origin) {
        if self.set.contains(signal) {
            return;
        }
        self.set = self.set.with(signal);
        if let Some(slot) = self.origins.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some((signal, origin));
        }
    }

    /// Those that wait.
    pub(crate) fn set(&self) -> SignalSet {
        self.set
    }

    /// Takes out the one of `wanted` that goes first.
    pub(crate) fn take(&mut self, wanted: SignalSet) -> Option<(Signal, Origin)> {
        let signal = self.set.intersection(wanted).first()?;
        self.set = self.set.without(signal);
        let kept = self
            .origins
            .iter_mut()
            .find_map(|slot| slot.take_if(|(kept, _)| *kept == signal));
        Some(kept.unwrap_or((signal, Origin::UNKNOWN)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: SignalSet = SignalSet::from_bits(u64::MAX);

    fn signal(number: u32) -> Signal {
        Signal::new(number).unwrap()
    }

    #[test]
    fn a_signal_waits_once_and_with_its_first_origin() {
        let mut pending = Pending::default();
        pending.add(signal(10), Origin::kill(5, 0));
        pending.add(signal(10), Origin::kill(6, 0));
        assert_eq!(pending.take(ALL), Some((signal(10), Origin::kill(5, 0))));
        assert_eq!(pending.take(ALL), None);
        assert_eq!(pending, Pending::default());
    }

    #[test]
    fn only_signals_that_are_wanted_are_taken() {
        let mut pending = Pending::default();
        for number in [2, 10, 12] {
            pending.add(signal(number), Origin::kill(number, 0));
        }
        let wanted = SignalSet::default().with(signal(12)).with(signal(15));
        assert_eq!(pending.take(wanted), Some((signal(12), Origin::kill(12, 0))));
        assert_eq!(pending.take(wanted), None);
        assert_eq!(pending.take(ALL), Some((signal(2), Origin::kill(2, 0))));
    }

    #[test]
    fn of_a_signal_too_many_the_origin_is_lost_and_the_signal_is_not() {
        let mut pending = Pending::default();
        for number in 1..=KEPT as u32 + 1 {
            pending.add(signal(number), Origin::kill(7, 0));
        }
        let taken: Vec<_> = core::iter::from_fn(|| pending.take(ALL)).collect();
        assert_eq!(taken.len(), KEPT + 1);
        assert_eq!(
            taken
                .iter()
                .filter(|(_, origin)| *origin == Origin::UNKNOWN)
                .count(),
            1
        );
    }

    #[test]
    fn how_a_child_ended_is_told_as_linux_tells_it() {
        let exited = Origin::child(3, 0, 7 << 8).info(signal(17));
        assert_eq!(exited[SI_CODE_OFFSET], 1);
        assert_eq!(exited[SI_PID_OFFSET], 3);
        assert_eq!(exited[SI_STATUS_OFFSET], 7);
        let killed = Origin::child(3, 0, 9).info(signal(17));
        assert_eq!((killed[SI_CODE_OFFSET], killed[SI_STATUS_OFFSET]), (2, 9));
    }
}
