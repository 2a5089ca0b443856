//! [`Drive`] for agents on this Linux.
//!
//! Here nobody's turn has to be arranged: an agent sleeps until it is asked. What a guest's kernel reports and a driver of
//! guests learns by waiting is read from `/proc` instead:
//!
//! - a call *waits* when its process sleeps in `wait4`;
//! - a process *goes on* after a signal that should end it when it sleeps, in whatever call: a signal that ends a process has
//!   woken it by the time that `kill` returns;
//! - an ended process is a zombie that shows its wait status, until a parent that waits for it takes the status and
//!   answers with it.
//!
//! None of it is a matter of time: this machine may be as busy as it likes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use abi::clock::TICK_NANOSECONDS;
use abi::linux::syscall::{READ, WAIT4};
use abi::operation;
use procfs::ProcError;
use procfs::process::{Process, Syscall};

use super::HANG_LIMIT;
use super::agent::{CHANNELS, LinuxAgent, SOCKET_FLAG};
use super::error::ReferenceError;
use super::line::Received;
use crate::address::{FrameNumber, VirtAddr};
use crate::channel::{Channel, Operation, Reply};
use crate::drive::{Agents, Drive, End, Ends, Life, Outcome, Ticked};
use crate::inspect::memory::FrameBytes;
use crate::scenario::ProcessName;

/// Most agents that live at the same time. A scenario may well fork without bounds; this machine is to survive that.
pub const MAX_LIVING_AGENTS: usize = 32;

/// How long to wait for an answer before asking whether there will be one.
const POLL_INTERVAL: Duration = Duration::from_millis(2);
/// How often that is asked. A process that takes so long, of hours, hangs.
const MOST_QUESTIONS: u64 = 5_000_000;

/// Ends a wait for something that never comes.
#[derive(Default)]
struct Patience {
    asked: u64,
}

impl Patience {
    fn ask_again(&mut self, channel: Channel) -> Result<(), ReferenceError> {
        self.asked += 1;
        if self.asked == MOST_QUESTIONS {
            return Err(ReferenceError::NoAnswer { channel });
        }
        Ok(())
    }
}

/// Drives the agents of one tree of processes.
pub struct LinuxDriver {
    linux: LinuxAgent,
    agents: Agents,
    /// Processes whose call waits.
    waiting: BTreeSet<Channel>,
    /// Answers of waiting processes that came while another process was watched.
    answers: BTreeMap<Channel, Reply>,
    output_taken_bytes: usize,
}

impl LinuxDriver {
    /// A driver whose first agent is there.
    pub fn spawn(agent_elf: &Path) -> Result<Self, ReferenceError> {
        let mut agents = Agents::default();
        agents.expect(Channel::FIRST, ProcessName::init().as_str(), None);
        let mut driver = Self {
            linux: LinuxAgent::spawn(agent_elf)?,
            agents,
            waiting: BTreeSet::new(),
            answers: BTreeMap::new(),
            output_taken_bytes: 0,
        };
        driver.note_hello(Channel::FIRST);
        Ok(driver)
    }

    /// Keeps what the process on `channel` says of itself.
    fn note_hello(&mut self, channel: Channel) {
        if let Some(hello) = self.linux.process(channel) {
            self.agents.introduced(channel, hello);
        }
    }

    /// Waits until the process on `channel` answers, ends, or, unless the operation is `EXEC`, sleeps until a child ends.
    fn answer(&mut self, channel: Channel, code: u64) -> Result<Outcome, ReferenceError> {
        let Some(occupant) = self.linux.process(channel) else {
            return Ok(match self.agents.get(channel).map(|agent| agent.life) {
                Some(Life::Ended(status)) => Outcome::Ended(status),
                _ => Outcome::Silent,
            });
        };
        let mut patience = Patience::default();
        loop {
            match self.linux.receive(channel, POLL_INTERVAL)? {
                Received::Reply(reply) => {
                    self.waiting.remove(&channel);
                    return Ok(Outcome::Replied(reply));
                }
                Received::Died => return self.ended(channel, occupant.pid).map(Outcome::Ended),
                Received::TimedOut if code != operation::EXEC && sleeps_in(occupant.pid, WAIT4)? => {
                    self.waiting.insert(channel);
                    return Ok(Outcome::Silent);
                }
                Received::TimedOut => patience.ask_again(channel)?,
                Received::Hello(_) => return Err(ReferenceError::NoAnswer { channel }),
            }
        }
    }

    /// The process on `channel` has ended: its wait status.
    fn ended(&mut self, channel: Channel, pid: u32) -> Result<u32, ReferenceError> {
        self.waiting.remove(&channel);
        let status = self.status(channel, pid)?;
        self.agents.ended(channel, status);
        Ok(status)
    }

    /// Wait status of a process that has ended.
    fn status(&mut self, channel: Channel, pid: u32) -> Result<u32, ReferenceError> {
        let mut patience = Patience::default();
        loop {
            if let Some(status) = zombie_status(pid)? {
                return Ok(status);
            }
            if let Some(status) = self.status_that_was_taken(pid)? {
                return Ok(status);
            }
            patience.ask_again(channel)?;
        }
    }

    /// Wait status of process `pid` from the answer of a process that waited for it.
    fn status_that_was_taken(&mut self, pid: u32) -> Result<Option<u32>, ReferenceError> {
        for channel in self.waiting.clone() {
            if let Received::Reply(reply) = self.linux.receive(channel, POLL_INTERVAL)? {
                self.waiting.remove(&channel);
                self.answers.insert(channel, reply);
            }
        }
        let answer = self.answers.values().find(|reply| reply.result == i64::from(pid));
        Ok(answer.map(|reply| reply.value as u32))
    }

    fn has_room(&self) -> bool {
        let living = self.agents.iter().filter(|agent| agent.life == Life::Alive);
        living.count() < MAX_LIVING_AGENTS
    }
}

impl Drive for LinuxDriver {
    type Error = ReferenceError;

    fn agents(&self) -> &Agents {
        &self.agents
    }

    fn perform(&mut self, channel: Channel, operation: Operation) -> Result<Outcome, ReferenceError> {
        self.linux.send(channel, &operation)?;
        self.answer(channel, operation.code)
    }

    /// Here a call that takes its time is not waited for at all.
    fn start(&mut self, channel: Channel, operation: Operation) -> Result<Outcome, ReferenceError> {
        self.linux.send(channel, &operation)?;
        Ok(Outcome::Silent)
    }

    fn replace(&mut self, channel: Channel, operation: Operation) -> Result<Outcome, ReferenceError> {
        self.linux.send(channel, &operation)?;
        match self.linux.receive(channel, HANG_LIMIT)? {
            Received::Hello(_) => {
                self.note_hello(channel);
                Ok(Outcome::Replied(Reply::default()))
            }
            Received::Reply(reply) => Ok(Outcome::Replied(reply)),
            Received::Died | Received::TimedOut => self.answer(channel, operation.code),
        }
    }

    fn agent_arguments(&self, channel: Channel) -> Vec<String> {
        let channel = channel.number().to_string();
        vec![
            SOCKET_FLAG.to_owned(),
            operation::CHANNEL_FLAG.to_owned(),
            channel,
        ]
    }

    fn await_end(&mut self, channel: Channel) -> Result<End, ReferenceError> {
        let Some(occupant) = self.linux.process(channel) else {
            return Ok(self.answer(channel, operation::EXIT)?.as_end());
        };
        let mut patience = Patience::default();
        loop {
            match self.linux.receive(channel, POLL_INTERVAL)? {
                Received::Died => return self.ended(channel, occupant.pid).map(End::Reported),
                // The answer to an operation that was under way: the process has not gone on to another one since.
                Received::Reply(_) => {}
                Received::TimedOut if sleeps_in(occupant.pid, READ)? => return Ok(End::StillAsks),
                Received::TimedOut if sleeps(occupant.pid)?.is_some() => return Ok(End::Silent),
                Received::TimedOut => {}
                Received::Hello(_) => return Err(ReferenceError::NoAnswer { channel }),
            }
            patience.ask_again(channel)?;
        }
    }

    fn tick(&mut self, count: u64) -> Result<Ticked, ReferenceError> {
        sleep(Duration::from_nanos(TICK_NANOSECONDS.saturating_mul(count)));
        Ok(Ticked::Taken)
    }

    fn ticks_taken(&self, _: Channel) -> Option<u64> {
        None
    }

    fn finish(&mut self, channel: Channel) -> Result<Outcome, ReferenceError> {
        match self.answers.remove(&channel) {
            Some(reply) => Ok(Outcome::Replied(reply)),
            None => self.answer(channel, operation::WAIT),
        }
    }

    fn fork(&mut self, parent: Channel, name: &str) -> Result<Option<(Channel, Outcome)>, ReferenceError> {
        let free = self.agents.free_channel();
        let Some(child) = free.filter(|free| free.number() < CHANNELS && self.has_room()) else {
            return Ok(None);
        };
        let outcome = self.perform(parent, Operation::new(operation::FORK, &[child.number()]))?;
        if let Outcome::Replied(reply) = &outcome
            && let Ok(pid @ 1..) = u32::try_from(reply.result)
        {
            self.agents.expect(child, name, Some(pid));
            // The child introduces itself unasked. To take that at once keeps its line ready for answers.
            self.linux.receive(child, HANG_LIMIT)?;
            self.note_hello(child);
        }
        Ok(Some((child, outcome)))
    }

    fn meet(&mut self, channel: Channel) -> Result<Outcome, ReferenceError> {
        Ok(match self.linux.process(channel) {
            Some(_) => Outcome::Replied(Reply::default()),
            None => Outcome::Silent,
        })
    }

    fn lost(&mut self, channel: Channel) {
        self.agents.lost(channel, Ends::Reported);
    }

    fn page(&mut self, _: Channel, _: VirtAddr) -> Option<(FrameNumber, FrameBytes)> {
        None
    }

    fn sees_memory(&self) -> bool {
        false
    }

    /// Nobody looks where the output comes from: this Linux is not judged.
    fn await_output(&mut self, _: &str, _: &[String]) {}

    fn await_no_output(&mut self) {}

    fn take_output(&mut self) -> Result<Vec<u8>, ReferenceError> {
        let output = self.linux.output()?.split_off(self.output_taken_bytes);
        self.output_taken_bytes += output.len();
        Ok(output)
    }
}

/// Whether the process sleeps in this system call.
fn sleeps_in(pid: u32, call: u64) -> Result<bool, ReferenceError> {
    Ok(sleeps(pid)? == Some(call.cast_signed()))
}

/// The system call in which the process sleeps until something wakes it, off the processor.
fn sleeps(pid: u32) -> Result<Option<i64>, ReferenceError> {
    let before = sleep_of(pid)?;
    let call = match about(pid, Process::syscall) {
        Ok(Some(Syscall::Blocked { syscall_number, .. })) => syscall_number,
        Ok(_) => return Ok(None),
        // The line for a process that is in no system call is one that the crate cannot read.
        Err(ReferenceError::Proc {
            source: ProcError::InternalError(_),
            ..
        }) => return Ok(None),
        Err(error) => return Err(error),
    };
    // The two cannot be read in one moment: the call is that of the sleep if it is still the same one.
    let after = sleep_of(pid)?;
    Ok((before.is_some() && before == after).then_some(call))
}

/// Which of its sleeps a process sleeps, counted from its start. A kernel that waits for its own sake, say for a page, goes on by itself,
/// and does not count.
fn sleep_of(pid: u32) -> Result<Option<u64>, ReferenceError> {
    let status = about(pid, Process::status)?;
    Ok(status
        .filter(|status| status.state.starts_with('S'))
        .and_then(|status| status.voluntary_ctxt_switches))
}

/// Wait status of a process that has ended and that nobody waited for yet.
fn zombie_status(pid: u32) -> Result<Option<u32>, ReferenceError> {
    let stat = about(pid, Process::stat)?;
    let zombie = stat.filter(|stat| stat.state == 'Z');
    Ok(zombie.and_then(|stat| stat.exit_code).map(i32::cast_unsigned))
}

/// What `/proc` says about a process; nothing when there is no such process.
fn about<T>(
    pid: u32,
    ask: impl FnOnce(&Process) -> Result<T, ProcError>,
) -> Result<Option<T>, ReferenceError> {
    match Process::new(pid.cast_signed()).and_then(|process| ask(&process)) {
        Ok(answer) => Ok(Some(answer)),
        Err(ProcError::NotFound(_)) => Ok(None),
        // A process that ends while it is read about.
        Err(ProcError::Io(error, _)) if error.raw_os_error() == Some(abi::linux::errno::ESRCH) => Ok(None),
        Err(source) => Err(ReferenceError::Proc { pid, source }),
    }
}
