//! Drives the agents of one guest.
//!
//! Agents that are not wanted yield the processor whenever they ask; the wanted one gets its operation. So the order of
//! operations is the scenario's, whatever the guest's scheduler does. A process that does not answer is *silent*: either
//! its call waits for something, or the process has ended. Agents keep yielding in turn, so a process that could run would
//! have run when another one has come round [`PATIENCE`] times.
//!
//! A virtual clock stands still but for operations that take time (a sleep, a program): then it moves on by a tick each time
//! the idle agents have come round once, so that whoever could run has run in between. A `tick` step moves it too.

use std::collections::BTreeMap;

use abi::operation;

use vm_memory::{Bytes, GuestAddress};

use super::rounds::{Awaited, Rounds};
use super::{Agents, Drive, Ends, Life, Outcome};
use crate::address::PhysAddr;
use crate::channel::event::Choice;
use crate::channel::{Channel, Event, Operation, Reply};
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::Root;
use crate::moments::{Moments, Seen};
use crate::scenario::{Clock, ProcessName};
use crate::vm::{Stop, StopReason, Vm, VmError};

/// How often the others may come round before a silent one counts as waiting.
pub(super) const PATIENCE: u32 = 3;
/// The same where a timer interrupts whoever runs.
pub(super) const PATIENCE_WITH_TIMER: u32 = 50;

/// Drives the agents of one machine.
pub struct Driver {
    pub(super) vm: Vm,
    pub(super) ends: Ends,
    pub(super) agents: Agents,
    moments: Moments,
    /// The process that is waited for.
    pub(super) awaited: Awaited,
    /// Ticks of the virtual clock that the kernel has taken so far.
    ticks: u64,
    /// For each channel, when its last operation was given and when it was answered, in ticks.
    pub(super) timing: BTreeMap<Channel, Timing>,
    /// What is done where the kernel is about to ask who goes on, of a machine that stops there.
    at_choice: Option<AtChoice>,
}

/// Called where the kernel is about to ask who goes on.
pub(crate) type AtChoice = Box<dyn FnMut(&mut Vm, &Choice) -> Result<(), VmError>>;

/// Which operation was given, when, and when it was answered.
#[derive(Clone, Copy)]
pub(super) struct Timing {
    code: u64,
    pub(super) given: u64,
    pub(super) answered: Option<u64>,
}

/// How long to wait for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Until others have come round so often.
    Rounds(u32),
    /// The same without the rounds in which the kernel says that the silent one had a turn, and since it was last seen to run. Where a timer ends a turn,
    /// how far one gets in it depends on the host.
    IdleRounds(u32),
    /// As with `Rounds`, for a parent that is asked about its child: nobody is asked about it.
    Parent(u32),
    /// Until the guest ends or its budget does. A virtual clock moves on, by no more ticks than this.
    Ticks(u64),
}

impl Driver {
    /// A driver for a machine that has not run yet.
    #[must_use]
    pub fn new(vm: Vm) -> Driver {
        Driver {
            vm,
            ends: Ends::default(),
            agents: Agents::default(),
            moments: Moments::default(),
            awaited: Awaited::default(),
            ticks: 0,
            timing: BTreeMap::new(),
            at_choice: None,
        }
    }

    /// The same for a kernel that lets it be known in this way how processes end.
    #[must_use]
    pub fn with_ends(self, ends: Ends) -> Driver {
        Driver { ends, ..self }
    }

    /// The same for a machine that stops at choices.
    #[must_use]
    pub(crate) fn with_choices(self, at_choice: AtChoice) -> Driver {
        Driver {
            at_choice: Some(at_choice),
            ..self
        }
    }

    /// The machine.
    pub(crate) fn vm_mut(&mut self) -> &mut Vm {
        &mut self.vm
    }

    /// The machine as it stands still; None before [`Driver::boot`].
    pub fn stop(&mut self) -> Option<Stop<'_>> {
        self.vm.stop()
    }

    /// The machine as it stands still, and the agents.
    pub fn stop_and_agents(&mut self) -> Option<(Stop<'_>, &Agents)> {
        Some((self.vm.stop()?, &self.agents))
    }

    /// The kernel's reports since this was last called.
    pub fn take_events(&mut self) -> Vec<Event> {
        let stop = self.vm.stop();
        stop.map(|mut stop| stop.devices().events.take())
            .unwrap_or_default()
    }

    /// Starts the guest and lets it run until its first program asks for an operation.
    ///
    /// # Errors
    /// The host failed.
    pub fn boot(&mut self) -> Result<Outcome, VmError> {
        self.agents
            .expect(Channel::FIRST, ProcessName::init().as_str(), None);
        self.meet(Channel::FIRST)
    }

    /// What was seen at moments within operations, since this was last called.
    pub fn take_moments(&mut self) -> Seen {
        self.moments.take()
    }

    /// Eight bytes of guest physical memory; None when they are not all there, or the guest has not run.
    pub(crate) fn read_word(&mut self, at: PhysAddr) -> Option<[u8; 8]> {
        let stop = self.vm.stop()?;
        let word = PhysicalMemory::new(stop.memory()).read_u64(at).ok()?;
        Some(word.to_le_bytes())
    }

    /// Puts eight bytes into guest physical memory, as far as they lie there. KVM's log of written frames does not have them.
    pub(crate) fn write_word(&mut self, at: PhysAddr, word: [u8; 8]) {
        if let Some(stop) = self.vm.stop() {
            // Outside of memory there is nothing to put them into.
            let _ = stop.memory().write_slice(&word, GuestAddress(at.0));
        }
    }

    /// Lets the guest end itself, by this command of `reboot`.
    ///
    /// # Errors
    /// The host failed.
    pub fn power_off(&mut self, command: u64) -> Result<Outcome, VmError> {
        self.perform(Channel::FIRST, Operation::new(operation::POWER_OFF, &[command]))
    }

    /// Runs the guest from ring to ring until `done` says so at a ring, or until waiting has become pointless.
    pub(super) fn wait_for(
        &mut self,
        channel: Channel,
        wait: Wait,
        done: impl Fn(&mut Driver) -> Option<Outcome>,
    ) -> Result<Outcome, VmError> {
        let mut rounds = Rounds::default();
        let mut ticks = 0;
        let agent = self.agents.get(channel);
        self.set_awaited(Awaited {
            pid: agent.and_then(|agent| agent.pid.or(Some(agent.hello?.pid))),
            root: agent.and_then(|agent| agent.root),
            ..Awaited::default()
        });
        loop {
            let Some(ringing) = self.next_ring()? else {
                return Ok(Outcome::GuestEnded);
            };
            if let Some(outcome) = done(self) {
                return Ok(outcome);
            }
            if let Some(Life::Ended(status)) = self.agents.get(channel).map(|agent| agent.life) {
                return Ok(Outcome::Ended(status));
            }
            if !rounds.is_complete_with(ringing) {
                continue;
            }
            if self.is_time_to_peek(wait, rounds.count)
                && let Some(status) = self.peek_end(channel)?
            {
                self.agents.ended(channel, status);
                return Ok(Outcome::Ended(status));
            }
            let has_run = std::mem::take(&mut self.awaited.has_run);
            let was_seen = std::mem::take(&mut self.awaited.was_seen);
            if let Wait::IdleRounds(_) = wait {
                // Who was seen once may have run unseen before.
                rounds.count = match (was_seen, has_run) {
                    (true, _) => 0,
                    (false, true) => rounds.count - 1,
                    (false, false) => rounds.count,
                };
            }
            match wait {
                Wait::Rounds(most) | Wait::IdleRounds(most) | Wait::Parent(most) if rounds.count >= most => {
                    return Ok(Outcome::Silent);
                }
                Wait::Ticks(most) if ticks >= most => return Ok(Outcome::Silent),
                Wait::Ticks(_) => {
                    ticks += u64::from(self.vm.clock() == Clock::Virtual);
                    self.vm.tick();
                }
                Wait::Rounds(_) | Wait::IdleRounds(_) | Wait::Parent(_) => {}
            }
        }
    }

    /// From now on this process is waited for.
    pub(super) fn set_awaited(&mut self, awaited: Awaited) {
        self.awaited = awaited;
        if let Some(mut stop) = self.vm.stop() {
            stop.watch(awaited.root);
        }
    }

    /// How long to wait for a call that takes no time. Where a timer interrupts whoever runs, others may come round many times
    /// while one that runs has its turns.
    pub(super) fn patience(&self) -> Wait {
        match self.vm.clock() {
            Clock::Virtual => Wait::Rounds(PATIENCE),
            Clock::Real => Wait::IdleRounds(PATIENCE_WITH_TIMER),
        }
    }

    pub(super) fn give(&mut self, channel: Channel, operation: Operation) {
        let timing = Timing {
            code: operation.code,
            given: self.ticks,
            answered: None,
        };
        self.timing.insert(channel, timing);
        if let Some(mut stop) = self.vm.stop() {
            stop.devices().doorbell.give(channel, operation);
        }
    }

    pub(super) fn wait_for_reply(&mut self, channel: Channel, wait: Wait) -> Result<Outcome, VmError> {
        self.wait_for(channel, wait, |driver| {
            driver.take_reply(channel).map(Outcome::Replied)
        })
    }

    /// Runs to the next ring and notes who it was. None when the guest has ended.
    pub(super) fn next_ring(&mut self) -> Result<Option<Channel>, VmError> {
        let was_raised = self.vm.tick_is_pending();
        let mut stop = self.vm.run()?;
        loop {
            match stop.reason().clone() {
                StopReason::Reported(moment) => {
                    self.moments.look(&moment, &mut stop, &self.agents.spaces())?;
                }
                StopReason::Choosing(choice) => {
                    if let Some(at_choice) = &mut self.at_choice {
                        at_choice(&mut self.vm, &choice)?;
                    }
                }
                StopReason::Ring(_) | StopReason::PoweredOff | StopReason::Died(_) => break,
            }
            stop = self.vm.run()?;
        }
        self.ticks += u64::from(was_raised && !stop.tick_is_pending());
        for event in stop.devices().events.look() {
            self.agents.note(event);
            if let Event::Switched { next, .. } = event {
                self.awaited.has_run |= Some(*next) == self.awaited.pid;
            }
        }
        self.awaited.was_seen |= stop.take_has_run();
        let StopReason::Ring(channel) = *stop.reason() else {
            return Ok(None);
        };
        self.agents.rings(channel);
        let root: Root = stop.root()?;
        for (channel, timing) in &mut self.timing {
            if timing.answered.is_none() && stop.devices().doorbell.has_answered(*channel) {
                timing.answered = Some(self.ticks);
            }
        }
        let hello = stop.devices().doorbell.hello(channel);
        self.agents.seen(channel, root, hello);
        let is_awaited = hello.is_some_and(|hello| Some(hello.pid) == self.awaited.pid);
        self.awaited.has_run &= !is_awaited;
        self.awaited.was_seen &= !is_awaited;
        Ok(Some(channel))
    }

    pub(super) fn take_reply(&mut self, channel: Channel) -> Option<Reply> {
        let reply = self.vm.stop()?.devices().doorbell.take_reply(channel)?;
        let is_wait = self
            .timing
            .get(&channel)
            .is_some_and(|timing| timing.code == operation::WAIT);
        if self.ends == Ends::Waited && is_wait && reply.result > 0 {
            self.agents.waited(reply.result, reply.value as u32);
        }
        Some(reply)
    }
}
