//! Who is there.

use std::collections::{BTreeMap, BTreeSet};

use abi::agent;
use serde::{Deserialize, Serialize};

use crate::address::VirtAddr;
use crate::channel::{Channel, Event, Hello};
use crate::inspect::owners::{Space, SpaceId};
use crate::inspect::walk::Root;

/// A process that runs the agent program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The scenario's name for it.
    pub name: String,
    /// The line on which it asks for operations.
    pub channel: Channel,
    /// Its process id, as fork told its parent. None for the first process of the guest.
    pub pid: Option<u32>,
    /// Its top page table when it last asked; None until it has asked for the first time.
    pub root: Option<Root>,
    /// What it says of itself.
    pub hello: Option<Hello>,
    /// Whether it lives.
    pub life: Life,
}

/// Whether a process lives, as far as the guest has told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Nobody said otherwise.
    Alive,
    /// The kernel reported its end, with this wait status.
    Ended(u32),
    /// Its end was asked for or accepted, and nobody reported how it went.
    Gone,
    /// The same, and it is for a wait of its parent's to tell.
    Untold,
}

/// How the harness gets to know how processes end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ends {
    /// The kernel reports it.
    #[default]
    Reported,
    /// A parent is told when it waits, and asked before it does (`waitid` with `WNOWAIT`).
    Waited,
}

/// All agents of a machine, by channel. A channel is used once.
#[derive(Debug, Default)]
pub struct Agents {
    by_channel: BTreeMap<Channel, Agent>,
    /// Those who asked for an operation after their end was reported.
    back: BTreeSet<Channel>,
}

impl Agents {
    /// The agent on `channel`.
    #[must_use]
    pub fn get(&self, channel: Channel) -> Option<&Agent> {
        self.by_channel.get(&channel)
    }

    /// The agent that goes by `name`; the newest one if there were several.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Agent> {
        self.by_channel.values().rev().find(|agent| agent.name == name)
    }

    /// The agent that has the process id `pid`, by what fork told its parent or by what it says itself; the newest one if
    /// several had it.
    #[must_use]
    pub fn with_pid(&self, pid: i64) -> Option<&Agent> {
        let has_it = |agent: &&Agent| {
            let said = agent.hello.map(|hello| hello.pid);
            agent.pid.or(said).map(i64::from) == Some(pid)
        };
        self.by_channel.values().rev().find(has_it)
    }

    /// All agents, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Agent> {
        self.by_channel.values()
    }

    /// Agents that live and have been met, oldest first.
    pub fn alive(&self) -> impl DoubleEndedIterator<Item = (&Agent, Root)> {
        self.iter()
            .filter(|agent| agent.life == Life::Alive)
            .filter_map(|agent| Some((agent, agent.root?)))
    }

    /// Their address spaces, each by the number of its channel.
    #[must_use]
    pub fn spaces(&self) -> Vec<Space> {
        let alive = self.alive();
        alive
            .map(|(agent, root)| Space {
                id: space_of(agent.channel),
                root,
            })
            .collect()
    }

    /// Agents that asked for an operation after their end was reported. They live: a report takes nobody out of what is judged.
    pub fn back(&self) -> impl Iterator<Item = &Agent> {
        self.back.iter().filter_map(|channel| self.get(*channel))
    }

    /// The process on `channel` asks for an operation, whatever was reported of it.
    pub(super) fn rings(&mut self, channel: Channel) {
        if let Some(agent) = self.by_channel.get_mut(&channel)
            && let Life::Ended(_) = agent.life
        {
            agent.life = Life::Alive;
            self.back.insert(channel);
        }
    }

    /// From now on the process on `channel` counts as gone, unless its end was reported.
    pub(crate) fn lost(&mut self, channel: Channel, ends: Ends) {
        if let Some(agent) = self.by_channel.get_mut(&channel)
            && agent.life == Life::Alive
        {
            agent.life = match ends {
                Ends::Reported => Life::Gone,
                Ends::Waited => Life::Untold,
            };
        }
    }

    /// A wait was told that the process with this number has ended with this wait status.
    pub(super) fn waited(&mut self, pid: i64, status: u32) {
        let mut agents = self.by_channel.values_mut().rev();
        if let Some(agent) = agents.find(|agent| agent.pid.map(i64::from) == Some(pid)) {
            agent.life = Life::Ended(status);
        }
    }

    /// Who can wait for the process on `channel`: its parent, or the guest's first process when that has ended.
    pub(super) fn parent_of(&self, channel: Channel) -> Option<Channel> {
        let parent = self.get(channel)?.hello?.parent;
        let alive = self
            .with_pid(parent.into())
            .filter(|agent| agent.life == Life::Alive);
        Some(alive.map_or(Channel::FIRST, |agent| agent.channel))
    }

    /// The process on `channel` has ended with this wait status.
    pub(crate) fn ended(&mut self, channel: Channel, status: u32) {
        if let Some(agent) = self.by_channel.get_mut(&channel) {
            agent.life = Life::Ended(status);
        }
    }

    pub(crate) fn free_channel(&self) -> Option<Channel> {
        Channel::new(
            self.by_channel
                .keys()
                .next_back()
                .map_or(0, |last| last.number() + 1),
        )
    }

    pub(crate) fn expect(&mut self, channel: Channel, name: &str, pid: Option<u32>) {
        let (name, life) = (name.to_owned(), Life::Alive);
        self.by_channel.insert(
            channel,
            Agent {
                name,
                channel,
                pid,
                root: None,
                hello: None,
                life,
            },
        );
    }

    pub(crate) fn seen(&mut self, channel: Channel, root: Root, hello: Option<Hello>) {
        if let Some(agent) = self.by_channel.get_mut(&channel) {
            agent.root = Some(root);
            agent.hello = hello;
        }
    }

    /// What the process on `channel` says of itself.
    pub(crate) fn introduced(&mut self, channel: Channel, hello: Hello) {
        if let Some(agent) = self.by_channel.get_mut(&channel) {
            agent.hello = Some(hello);
        }
    }

    pub(super) fn note(&mut self, event: &Event) {
        if let Event::Exited { pid, status } = event
            && let Some(agent) = self
                .by_channel
                .values_mut()
                .find(|agent| agent.pid == Some(*pid) && agent.life == Life::Alive)
        {
            agent.life = Life::Ended(*status);
        }
    }
}

/// The inspector tells address spaces apart by number; an agent's has that of its channel.
fn space_of(process: Channel) -> SpaceId {
    SpaceId(u32::try_from(process.number()).expect("channels are few"))
}

/// The agent's channel, by the number of its address space.
pub(crate) fn channel_of(space: SpaceId) -> Channel {
    Channel::new(space.0.into()).expect("made from a channel")
}

/// Whether an agent may have its stack there, or an ancestor's: what it does not tell the model of, and shares.
pub(crate) fn is_agents_stack(address: VirtAddr) -> bool {
    let offset_bytes = address.0.checked_sub(agent::STACKS_BASE);
    offset_bytes.is_some_and(|offset_bytes| offset_bytes < agent::STACKS_LEN_BYTES)
}
