//! Drives the agents of one guest.
//!
//! Agents that are not wanted yield the processor whenever they ask; the wanted one gets its operation. So the order of
//! operations is the scenario's, whatever the guest's scheduler does. A process that does not answer is *silent*: either
//! its call waits for something, or the process has ended. Agents keep yielding in turn, so a process that could run would
//! have run when another one has come round [`PATIENCE`] times.
//!
//! A virtual clock stands still but for operations that take time (a sleep, a program): then it moves on by a tick each time
//! the idle agents have come round once, so that whoever could run has run in between. A `tick` step moves it too.

use std::cell::Cell;
use std::collections::BTreeMap;

use abi::clock::TICK_NANOSECONDS;
use abi::operation;

use vm_memory::{Bytes, GuestAddress};

use super::rounds::{Awaited, Rounds};
use super::{Agents, Drive, End, Ends, Life, Outcome, Ticked};
use crate::address::{FrameNumber, PhysAddr, VirtAddr};
use crate::channel::event::Choice;
use crate::channel::{Channel, Event, Operation, Reply};
use crate::inspect::PhysicalMemory;
use crate::inspect::memory::FrameBytes;
use crate::inspect::walk::{self, Root};
use crate::moments::{Moments, Seen};
use crate::scenario::{Clock, ProcessName};
use crate::vm::{Stop, StopReason, Vm, VmError};

/// How often the others may come round before a silent one counts as waiting.
const PATIENCE: u32 = 3;
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
    timing: BTreeMap<Channel, Timing>,
    /// What is done where the kernel is about to ask who goes on, of a machine that stops there.
    at_choice: Option<AtChoice>,
}

/// Called where the kernel is about to ask who goes on.
pub(crate) type AtChoice = Box<dyn FnMut(&mut Vm, &Choice) -> Result<(), VmError>>;

/// Which operation was given, when, and when it was answered.
#[derive(Clone, Copy)]
struct Timing {
    code: u64,
    given: u64,
    answered: Option<u64>,
}

/// How long to wait for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Until others have come round so often.
    Rounds(u32),
    /// The same without the rounds in which the kernel says that the silent one had a turn. Where a timer ends a turn, how far one
    /// gets in it depends on the host.
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
    fn wait_for(
        &mut self,
        channel: Channel,
        wait: Wait,
        done: impl Fn(&mut Driver) -> Option<Outcome>,
    ) -> Result<Outcome, VmError> {
        let mut rounds = Rounds::default();
        let mut ticks = 0;
        let agent = self.agents.get(channel);
        self.awaited = Awaited {
            pid: agent.and_then(|agent| agent.pid.or(Some(agent.hello?.pid))),
            has_run: false,
        };
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
            if has_run && matches!(wait, Wait::IdleRounds(_)) {
                rounds.count -= 1;
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

    /// How long to wait for a call that takes no time. Where a timer interrupts whoever runs, others may come round many times
    /// while one that runs has its turns.
    fn patience(&self) -> Wait {
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
    fn next_ring(&mut self) -> Result<Option<Channel>, VmError> {
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
        Ok(Some(channel))
    }

    fn take_reply(&mut self, channel: Channel) -> Option<Reply> {
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

impl Drive for Driver {
    type Error = VmError;

    fn agents(&self) -> &Agents {
        &self.agents
    }

    fn perform(&mut self, channel: Channel, operation: Operation) -> Result<Outcome, VmError> {
        let wait = match operation.code {
            operation::EXEC => Wait::Ticks(u64::MAX),
            operation::SLEEP => {
                let ticks = operation.arguments[0].div_ceil(TICK_NANOSECONDS);
                Wait::Ticks(ticks.saturating_add(PATIENCE.into()))
            }
            _ => self.patience(),
        };
        self.give(channel, operation);
        self.wait_for_reply(channel, wait)
    }

    fn start(&mut self, channel: Channel, operation: Operation) -> Result<Outcome, VmError> {
        self.give(channel, operation);
        self.wait_for_reply(channel, Wait::Rounds(PATIENCE))
    }

    fn replace(&mut self, channel: Channel, operation: Operation) -> Result<Outcome, VmError> {
        if let Some(mut stop) = self.vm.stop() {
            stop.devices().doorbell.take_introduction(channel);
        }
        self.give(channel, operation);
        self.wait_for(channel, self.patience(), |driver| {
            let introduced = driver.vm.stop()?.devices().doorbell.take_introduction(channel);
            let reply = introduced
                .then(Reply::default)
                .or_else(|| driver.take_reply(channel));
            reply.map(Outcome::Replied)
        })
    }

    fn agent_arguments(&self, channel: Channel) -> Vec<String> {
        vec![operation::CHANNEL_FLAG.to_owned(), channel.number().to_string()]
    }

    fn await_end(&mut self, channel: Channel) -> Result<End, VmError> {
        if let Some(Life::Ended(status)) = self.agents.get(channel).map(|agent| agent.life) {
            return Ok(End::Reported(status));
        }
        let asks = Cell::new(false);
        let outcome = self.wait_for(channel, self.patience(), |driver| {
            let rings = driver.vm.stop()?.reason() == &StopReason::Ring(channel);
            asks.set(asks.get() || rings);
            None
        })?;
        Ok(match outcome {
            Outcome::Ended(status) => End::Reported(status),
            Outcome::GuestEnded => End::GuestEnded,
            Outcome::Replied(_) | Outcome::Silent if asks.get() => End::StillAsks,
            Outcome::Replied(_) | Outcome::Silent => End::Silent,
        })
    }

    fn tick(&mut self, count: u64) -> Result<Ticked, VmError> {
        for taken in 0..count {
            self.vm.tick();
            if self.next_ring()?.is_none() {
                return Ok(Ticked::GuestEnded);
            }
            if self.vm.tick_is_pending() {
                return Ok(Ticked::NotTaken { taken });
            }
        }
        Ok(Ticked::Taken)
    }

    fn ticks_taken(&self, channel: Channel) -> Option<u64> {
        let timing = self
            .timing
            .get(&channel)
            .filter(|_| self.vm.clock() == Clock::Virtual)?;
        Some(timing.answered? - timing.given)
    }

    fn finish(&mut self, channel: Channel) -> Result<Outcome, VmError> {
        // Real time passes by itself, and whoever finishes a call wants its end.
        let wait = match self.vm.clock() {
            Clock::Virtual => self.patience(),
            Clock::Real => Wait::Ticks(u64::MAX),
        };
        match self.take_reply(channel) {
            Some(reply) => Ok(Outcome::Replied(reply)),
            None => self.wait_for_reply(channel, wait),
        }
    }

    fn fork(&mut self, parent: Channel, name: &str) -> Result<Option<(Channel, Outcome)>, VmError> {
        let Some(child) = self.agents.free_channel() else {
            return Ok(None);
        };
        let outcome = self.perform(parent, Operation::new(operation::FORK, &[child.number()]))?;
        if let Outcome::Replied(reply) = &outcome
            && let Ok(pid @ 1..) = u32::try_from(reply.result)
        {
            self.agents.expect(child, name, Some(pid));
        }
        Ok(Some((child, outcome)))
    }

    fn meet(&mut self, channel: Channel) -> Result<Outcome, VmError> {
        self.wait_for(channel, self.patience(), |driver| {
            let met = driver
                .agents
                .get(channel)
                .is_some_and(|agent| agent.root.is_some());
            met.then(|| Outcome::Replied(Reply::default()))
        })
    }

    fn lost(&mut self, channel: Channel) {
        self.agents.lost(channel, self.ends);
    }

    fn page(&mut self, channel: Channel, address: VirtAddr) -> Option<(FrameNumber, FrameBytes)> {
        let root = self.agents.get(channel)?.root?;
        let stop = self.vm.stop()?;
        let memory = PhysicalMemory::new(stop.memory());
        let frame = walk::translate(memory, root, address).ok()?.frame();
        let mut contents = FrameBytes::zeroed();
        memory.copy_frame(frame, &mut contents).ok()?;
        Some((frame, contents))
    }

    fn sees_memory(&self) -> bool {
        true
    }

    fn await_output(&mut self, program: &str, starts: &[String]) {
        self.vm.await_output(program, starts);
    }

    fn await_no_output(&mut self) {
        self.vm.await_no_output();
    }

    fn take_output(&mut self) -> Result<Vec<u8>, VmError> {
        let stop = self.vm.stop();
        Ok(stop
            .map(|mut stop| stop.devices().take_output())
            .unwrap_or_default())
    }
}
