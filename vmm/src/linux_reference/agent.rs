//! Agents as processes of this Linux.

use std::path::Path;
use std::time::Duration;

use abi::doorbell::socket::FIRST_FD;
use command_fds::{CommandFdExt, FdMapping};

use super::channel::{Channel, ProcessIds, Received};
use super::console::Console;
use super::error::ReferenceError;
use super::family::Family;
use super::launch;
use super::packet::Request;

/// Number of channels, and so of agents that can live at once. All are made at the start, because a child inherits no socket
/// that is made after it.
pub const CHANNELS: usize = 64;

/// How long the first agent may take to introduce itself.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A first agent and its descendants. Dropping it kills them all.
pub struct LinuxAgent {
    channels: Vec<Channel>,
    console: Console,
    family: Family,
}

impl LinuxAgent {
    /// Starts the first agent, on channel 0. Programs that it runs are found in the directory of `agent_elf`.
    pub fn spawn(agent_elf: &Path) -> Result<Self, ReferenceError> {
        let console = Console::new()?;
        let mut command = launch::command(agent_elf, &console)?;
        command.arg("--socket");

        let mut channels = Vec::with_capacity(CHANNELS);
        let mut mappings = Vec::with_capacity(CHANNELS);
        for (number, child_fd) in (0..CHANNELS).zip(FIRST_FD..) {
            let (channel, agents_end) = Channel::new(number)?;
            channels.push(channel);
            mappings.push(FdMapping {
                parent_fd: agents_end,
                child_fd,
            });
        }
        command
            .fd_mappings(mappings)
            .expect("each channel has a descriptor of its own");

        let mut agent = Self {
            channels,
            console,
            family: Family::spawn(command, agent_elf)?,
        };
        match agent.receive(0, START_TIMEOUT)? {
            Received::Hello(_) => Ok(agent),
            Received::Reply(_) | Received::Died | Received::TimedOut => Err(ReferenceError::NotAnAgent {
                path: agent_elf.to_owned(),
            }),
        }
    }

    /// Gives the process on `channel` its next operation.
    pub fn send(&mut self, channel: usize, request: &Request) -> Result<(), ReferenceError> {
        self.channel(channel)?.send(request)
    }

    /// Waits for what the process on `channel` says next. A channel that a fork opened begins with a hello.
    pub fn receive(&mut self, channel: usize, timeout: Duration) -> Result<Received, ReferenceError> {
        self.channel(channel)?.receive(timeout)
    }

    /// The process on `channel`, from its hello to its death.
    #[must_use]
    pub fn process_ids(&self, channel: usize) -> Option<ProcessIds> {
        self.channels.get(channel)?.occupant()
    }

    /// Wait status of the first agent, once it has ended: it has no agent for a parent.
    pub fn first_status(&self) -> Result<Option<u32>, ReferenceError> {
        self.family.first_status()
    }

    /// What all processes together wrote to standard output so far.
    pub fn output(&self) -> Result<Vec<u8>, ReferenceError> {
        self.console.contents()
    }

    fn channel(&mut self, channel: usize) -> Result<&mut Channel, ReferenceError> {
        let channels = self.channels.len();
        self.channels
            .get_mut(channel)
            .ok_or(ReferenceError::NoSuchChannel { channel, channels })
    }
}
