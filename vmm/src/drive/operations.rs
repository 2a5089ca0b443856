//! What agents of a guest are had to do: the driver as [`Drive`].

use std::cell::Cell;

use abi::clock::TICK_NANOSECONDS;
use abi::operation;

use super::driver::{Driver, PATIENCE, Wait};
use super::{Agents, Drive, End, Life, Outcome, Ticked};
use crate::address::{FrameNumber, VirtAddr};
use crate::channel::{Channel, Operation, Reply};
use crate::inspect::PhysicalMemory;
use crate::inspect::memory::FrameBytes;
use crate::inspect::walk;
use crate::scenario::Clock;
use crate::vm::{StopReason, VmError};

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
        // Of a fork that nobody waited for. Who introduces itself begins anew, and would lose what it was asked before.
        let agent = self.agents.get(channel);
        if agent.is_some_and(|agent| agent.root.is_none()) {
            match self.meet(channel)? {
                Outcome::Replied(_) => {}
                outcome => return Ok(outcome),
            }
        }
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
