//! Agents as processes of this Linux.

use std::path::Path;
use std::time::Duration;

use abi::doorbell::socket::FIRST_FD;
use command_fds::{CommandFdExt, FdMapping};

use super::HANG_LIMIT;
use super::console::Console;
use super::error::ReferenceError;
use super::family::Family;
use super::launch;
use super::line::{Line, Received};
use crate::channel::{Channel, Hello, Operation};

/// Number of channels, and so of agents that can live at once. All are made at the start, because a child inherits no socket
/// that is made after it.
pub const CHANNELS: u64 = 64;

/// The agent's argument for conversations over sockets.
pub(super) const SOCKET_FLAG: &str = "--socket";

/// A first agent and its descendants. Dropping it kills them all.
pub struct LinuxAgent {
    // Dropped first: an agent that lives when its socket closes complains of it.
    family: Family,
    lines: Vec<Line>,
    console: Console,
}

impl LinuxAgent {
    /// Starts the first agent, on channel 0. Programs that it runs are found in the directory of `agent_elf`.
    pub fn spawn(agent_elf: &Path) -> Result<Self, ReferenceError> {
        let console = Console::new()?;
        let mut command = launch::command(agent_elf, &console)?;
        command.arg(SOCKET_FLAG);

        let (mut lines, mut mappings) = (Vec::new(), Vec::new());
        for (channel, child_fd) in (0..CHANNELS).filter_map(Channel::new).zip(FIRST_FD..) {
            let (line, agents_end) = Line::new(channel)?;
            lines.push(line);
            mappings.push(FdMapping {
                parent_fd: agents_end,
                child_fd,
            });
        }
        command
            .fd_mappings(mappings)
            .expect("each channel has a descriptor of its own");

        let mut agent = Self {
            lines,
            console,
            family: Family::spawn(command, agent_elf)?,
        };
        match agent.receive(Channel::FIRST, HANG_LIMIT)? {
            Received::Hello(_) => Ok(agent),
            Received::Reply(_) | Received::Died | Received::TimedOut => Err(ReferenceError::NotAnAgent {
                path: agent_elf.to_owned(),
            }),
        }
    }

    /// Gives the process on `channel` its next operation.
    pub fn send(&mut self, channel: Channel, operation: &Operation) -> Result<(), ReferenceError> {
        self.line(channel)?.send(operation)
    }

    /// Waits for what the process on `channel` says next. A channel that a fork opened begins with a hello.
    pub fn receive(&mut self, channel: Channel, timeout: Duration) -> Result<Received, ReferenceError> {
        self.line(channel)?.receive(timeout)
    }

    /// The process on `channel`, from its hello to its death.
    #[must_use]
    pub fn process(&self, channel: Channel) -> Option<Hello> {
        self.lines.get(index(channel))?.occupant()
    }

    /// Wait status of the first agent, once it has ended: it has no agent for a parent.
    pub fn first_status(&self) -> Result<Option<u32>, ReferenceError> {
        self.family.first_status()
    }

    /// What all processes together wrote to standard output so far.
    pub fn output(&self) -> Result<Vec<u8>, ReferenceError> {
        self.console.contents()
    }

    fn line(&mut self, channel: Channel) -> Result<&mut Line, ReferenceError> {
        let missing = ReferenceError::NoSuchChannel {
            channel,
            channels: CHANNELS,
        };
        self.lines.get_mut(index(channel)).ok_or(missing)
    }
}

fn index(channel: Channel) -> usize {
    usize::try_from(channel.number()).expect("a 64-bit host")
}
