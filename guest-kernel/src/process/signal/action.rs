//! rt_sigaction: what the signals of a process do. All its threads share that.

use alloc::vec::Vec;

use abi::linux::signal::{
    SA_EXPOSE_TAGBITS, SA_NOCLDSTOP, SA_NOCLDWAIT, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART,
    SA_RESTORER, SA_SIGINFO, SIG_DFL, SIG_IGN, SIGACTION_BYTES,
};

use super::effect::{Effect, effect_of};
use super::{Signal, SignalSet, table};
use crate::errno::Errno;
use crate::mm::OutOfMemory;
use crate::mutant::{self, Mutant};

/// Flags that mean something; Linux forgets the others.
const KNOWN_FLAGS: u64 = SA_NOCLDSTOP
    | SA_NOCLDWAIT
    | SA_SIGINFO
    | SA_EXPOSE_TAGBITS
    | SA_RESTORER
    | SA_ONSTACK
    | SA_RESTART
    | SA_NODEFER
    | SA_RESETHAND;

/// Who answers a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    Default,
    Ignored,
    /// Code of the program, at this address.
    Handler(u64),
}

/// What a signal does: the kernel's `struct sigaction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Action {
    handler: u64,
    flags: u64,
    restorer: u64,
    /// Blocked besides while the handler runs.
    mask: SignalSet,
}

impl Action {
    pub(crate) fn from_bytes(bytes: &[u8; SIGACTION_BYTES]) -> Self {
        let (words, _) = bytes.as_chunks();
        let [handler, flags, restorer, mask] = core::array::from_fn(|index| u64::from_le_bytes(words[index]));
        Self {
            handler,
            flags: flags & KNOWN_FLAGS,
            restorer,
            mask: SignalSet::from_bits(mask).blockable(),
        }
    }

    pub(crate) fn to_bytes(self) -> [u8; SIGACTION_BYTES] {
        let mut bytes = [0; SIGACTION_BYTES];
        let words = [self.handler, self.flags, self.restorer, self.mask.bits()];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    pub(super) fn disposition(self) -> Disposition {
        match self.handler {
            SIG_DFL => Disposition::Default,
            SIG_IGN => Disposition::Ignored,
            handler => Disposition::Handler(handler),
        }
    }

    pub(super) fn has(self, flag: u64) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn mask(self) -> SignalSet {
        self.mask
    }

    /// What a handler returns to, which it cannot do without.
    pub(super) fn restorer(self) -> Option<u64> {
        self.has(SA_RESTORER).then_some(self.restorer)
    }
}

/// The actions of a process, those alone that were ever set.
#[derive(Debug, Default)]
pub(crate) struct Actions(Vec<(Signal, Action)>);

impl Actions {
    pub(in crate::process) fn try_clone(&self) -> Result<Self, OutOfMemory> {
        let mut actions = Vec::new();
        if !self.0.is_empty() {
            actions.try_reserve_exact(self.0.len()).map_err(|_| OutOfMemory)?;
            actions.extend_from_slice(&self.0);
        }
        Ok(Self(actions))
    }

    pub(super) fn of(&self, signal: Signal) -> Action {
        let found = self.0.iter().find(|(known, _)| *known == signal);
        found.map_or_else(Action::default, |(_, action)| *action)
    }

    fn set(&mut self, signal: Signal, action: Action) -> Result<(), OutOfMemory> {
        match self.0.iter_mut().find(|(known, _)| *known == signal) {
            Some((_, place)) => *place = action,
            None if action == Action::default() => {}
            None => {
                self.0.try_reserve(1).map_err(|_| OutOfMemory)?;
                self.0.push((signal, action));
            }
        }
        Ok(())
    }

    /// The handler of a signal has been called for the last time (`SA_RESETHAND`).
    pub(super) fn drop_handler(&mut self, signal: Signal) {
        if let Some((_, action)) = self.0.iter_mut().find(|(known, _)| *known == signal) {
            action.handler = SIG_DFL;
        }
    }

    /// Another program starts, which has none of these handlers. What is ignored stays so.
    pub(in crate::process) fn drop_handlers(&mut self) {
        if mutant::is(Mutant::ExecKeepsHandlers) {
            return;
        }
        self.0
            .retain(|(_, action)| action.disposition() == Disposition::Ignored);
        for (_, action) in &mut self.0 {
            *action = Action {
                handler: SIG_IGN,
                ..Action::default()
            };
        }
    }
}

/// Gives what the signal of that number has done until now, and has it do something else from now on, if that is given. EINVAL where
/// there is no such signal, and where nobody may choose.
pub(crate) fn set_action(number: u64, new: Option<Action>) -> Result<Action, Errno> {
    let signal = Signal::new(number as u32).ok_or(Errno::EINVAL)?;
    if new.is_some() && !SignalSet::default().with(signal).blockable().contains(signal) {
        return Err(Errno::EINVAL);
    }
    table::with_table(|table| {
        let process = table.current_process();
        let old = process.actions.of(signal);
        if let Some(new) = new {
            process.actions.set(signal, new)?;
            if effect_of(signal, new) == Effect::Nothing {
                forget_pending(table, signal);
            }
        }
        Ok(old)
    })
}

/// What is ignored does not wait either, not even while it is blocked.
fn forget_pending(table: &mut table::Table, signal: Signal) {
    let pid = table.current_process().pid;
    let only = SignalSet::default().with(signal);
    table.process(pid).pending.take(only);
    for index in 0..table.process(pid).threads.len() {
        let tid = table.process(pid).threads[index];
        table.thread(tid).pending.take(only);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(number: u32) -> Signal {
        Signal::new(number).unwrap()
    }

    fn action(handler: u64) -> Action {
        let mut bytes = [0xff; SIGACTION_BYTES];
        bytes[..8].copy_from_slice(&handler.to_le_bytes());
        Action::from_bytes(&bytes)
    }

    #[test]
    fn an_action_is_kept_as_far_as_it_means_something() {
        let bytes = action(0x1000).to_bytes();
        assert_eq!(Action::from_bytes(&bytes), action(0x1000));
        assert_eq!(bytes[8..16], KNOWN_FLAGS.to_le_bytes());
        assert_eq!(bytes[24..], (!(1_u64 << 8 | 1 << 18)).to_le_bytes());
    }

    #[test]
    fn another_program_has_no_handlers_and_ignores_what_was_ignored() {
        let mut actions = Actions::default();
        actions.set(signal(10), action(0x1000)).unwrap();
        actions.set(signal(12), action(SIG_IGN)).unwrap();
        let inherited = actions.try_clone().unwrap();
        actions.drop_handlers();
        assert_eq!(actions.of(signal(10)), Action::default());
        assert_eq!(actions.of(signal(12)).disposition(), Disposition::Ignored);
        assert_eq!(actions.of(signal(12)).mask(), SignalSet::default());
        assert_eq!(inherited.of(signal(10)), action(0x1000));
    }
}
