//! What the judge looks at.

use abi::PAGE_SIZE;

use crate::address::{FrameNumber, VirtAddr};
use crate::channel::Channel;
use crate::drive::{Agents, Driver, channel_of};
use crate::inspect::PhysicalMemory;
use crate::inspect::owners::{Owner, SpaceId};
use crate::inspect::walk::{Permissions, Root, translate};
use crate::model::{Model, PageNumber, Regions};
use crate::moments::process_of;
use crate::perform::Performer;
use crate::vm::Stop;

/// Everything there is to look at while the guest stands still.
pub struct Scene<'a> {
    /// The machine.
    pub stop: Stop<'a>,
    /// Who is there.
    pub agents: &'a Agents,
    /// What must be in memory.
    pub model: &'a Model,
    /// Where named regions are.
    pub regions: &'a Regions,
}

impl Scene<'_> {
    /// What there is to look at of a guest; None before it has run.
    pub fn of(performer: &mut Performer<Driver>) -> Option<Scene<'_>> {
        let (driver, model, regions) = performer.driver_and_memory();
        let (stop, agents) = driver.stop_and_agents()?;
        Some(Scene {
            stop,
            agents,
            model,
            regions,
        })
    }

    pub(super) fn memory(&self) -> PhysicalMemory<'_> {
        PhysicalMemory::new(self.stop.memory())
    }

    /// Name of a process.
    pub(super) fn process(&self, process: Channel) -> String {
        self.agents
            .get(process)
            .map_or_else(|| process.to_string(), |agent| agent.name.clone())
    }

    /// Name of a place in a process's memory.
    pub(super) fn place(&self, process: Channel, address: VirtAddr) -> String {
        format!("{}:{}", self.process(process), self.region(process, address))
    }

    /// Name of a place, without that of its process.
    fn region(&self, process: Channel, address: VirtAddr) -> String {
        let name = self.regions.name(process, address);
        name.unwrap_or_else(|| address.to_string())
    }

    /// Name of the process whose address space this is.
    pub(crate) fn process_of(&self, space: SpaceId) -> String {
        match process_of(space) {
            Some(pid) => format!("process {pid}"),
            None => self.process(channel_of(space)),
        }
    }

    /// Name of a page in an address space, without that of the process.
    pub(crate) fn page(&self, space: SpaceId, address: VirtAddr) -> String {
        match process_of(space) {
            Some(_) => address.to_string(),
            None => self.region(channel_of(space), address),
        }
    }

    /// Name of a place in an address space.
    pub(crate) fn place_of(&self, owner: &Owner) -> String {
        format!(
            "{}:{}",
            self.process_of(owner.space),
            self.page(owner.space, owner.address)
        )
    }
}

/// Where a page is that a process can reach, and what the process may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) frame: FrameNumber,
    pub(super) permissions: Permissions,
}

impl Mapping {
    /// That of a page now.
    pub(super) fn of(memory: PhysicalMemory<'_>, root: Root, number: PageNumber) -> Option<Mapping> {
        let found = translate(memory, root, address_of(number)).ok()?;
        found.permissions.user.then(|| Mapping {
            frame: found.frame(),
            permissions: found.permissions,
        })
    }
}

/// The frame behind a page that a process can reach.
pub(super) fn frame_of(memory: PhysicalMemory<'_>, root: Root, number: PageNumber) -> Option<FrameNumber> {
    Mapping::of(memory, root, number).map(|mapping| mapping.frame)
}

/// Where a page begins.
pub(super) fn address_of(number: PageNumber) -> VirtAddr {
    VirtAddr(number * PAGE_SIZE)
}
