//! Looks at the memory of all processes while programs run.
//!
//! A program is one step of a scenario, however much happens in it. Its processes come and go, and share what they should not,
//! before an agent asks for the next operation. So whenever the kernel tells of a fork, an execve or a switch while a process
//! lives that is no agent's, the user halves of all address spaces are looked at.
//!
//! The reference model says nothing of these processes. What they share on purpose is taken from the kernel's own account of its
//! frames: it may hide a frame that is shared by mistake, and can neither hide nor excuse anything else.

use abi::frame_table::{FRAME_SHARED, INFO_BYTES, MODULE_PAGES, SHADOW_TABLE};

use crate::address::{FrameNumber, PhysAddr};
use crate::channel::{Event, doorbell_addresses};
use crate::drive::is_agents_stack;
use crate::inspect::audit::{self, Policy, UserFinding};
use crate::inspect::frame_table::frame_info;
use crate::inspect::owners::{Owner, Owners, Space, SpaceId};
use crate::inspect::walk::Root;
use crate::inspect::{Effort, Findings, PhysicalMemory};
use crate::vm::{ProcessRoots, Stop, VmError};

/// Address spaces of processes that are no agents' have numbers from here on: this and the process id.
const FIRST_SPACE: u32 = 1 << 16;

/// The process whose address space has this number, if it is not an agent's.
pub(crate) fn process_of(space: SpaceId) -> Option<u32> {
    space.0.checked_sub(FIRST_SPACE)
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// Those of processes that were reported as ended are looked at while they are in use.
    roots: ProcessRoots,
    /// Where the kernel's account of its frames is, if it has told: physical address and number of entries.
    account: Option<(PhysAddr, u64)>,
    findings: Findings<UserFinding>,
    missed: u64,
}

impl Programs {
    /// Takes note of what the kernel tells, and looks where that may have changed who has what.
    pub(super) fn look(
        &mut self,
        event: &Event,
        stop: &mut Stop<'_>,
        agents: &[Space],
        effort: &Effort,
    ) -> Result<(), VmError> {
        self.missed += u64::from(!self.roots.note(event));
        match *event {
            Event::FrameTable { base, frames } => {
                self.account = Some((base, frames));
                Ok(())
            }
            Event::Exited { .. } => Ok(()),
            _ => self.look_at_all(stop, agents, effort),
        }
    }

    /// What was found since this was last called.
    pub(super) fn take(&mut self) -> Findings<UserFinding> {
        std::mem::take(&mut self.findings)
    }

    /// Moments that were not looked at, because there was too much to look at, from the beginning on.
    pub(super) fn missed(&self) -> u64 {
        self.missed
    }

    fn look_at_all(&mut self, stop: &mut Stop<'_>, agents: &[Space], effort: &Effort) -> Result<(), VmError> {
        let is_agents = |root: Root| agents.iter().any(|agent| agent.root == root);
        let in_use = stop.root()?;
        let ended_too_early = self.roots.ended_with(in_use).map(|pid| (pid, in_use));
        let others = self.roots.alive().chain(ended_too_early);
        let others = others.filter(|(_, root)| !is_agents(*root));
        let mut spaces: Vec<Space> = others
            .map(|(pid, root)| Space {
                id: SpaceId(FIRST_SPACE.saturating_add(pid)),
                root,
            })
            .collect();
        if spaces.is_empty() {
            return Ok(());
        }
        let cut_before = effort.cut();
        let kernel_only = stop.kernel_only_frames(effort)?;
        spaces.extend(agents);
        let memory = PhysicalMemory::new(stop.memory());
        let owners = Owners::of_spaces(memory, &spaces, effort);
        let shared_on_purpose = |frame: FrameNumber, owner: &Owner| {
            is_agents_stack(owner.address) || self.is_shared(memory, frame)
        };
        let policy = Policy {
            kernel_only: &kernel_only,
            devices: &[doorbell_addresses()],
            shared_on_purpose: &shared_on_purpose,
        };
        let found = audit::user(&owners, &policy);
        self.findings.append(found);
        self.missed += u64::from(effort.cut() > cut_before);
        Ok(())
    }

    /// Whether the kernel's account has a frame as one that is shared on purpose. Where there is no account, every frame may be.
    fn is_shared(&self, memory: PhysicalMemory<'_>, frame: FrameNumber) -> bool {
        let Some((base, frames)) = self.account else {
            return true;
        };
        let at = frame
            .0
            .checked_mul(INFO_BYTES as u64)
            .and_then(|offset| base.0.checked_add(offset));
        let word = at
            .filter(|_| frame.0 < frames)
            .and_then(|at| memory.read_u64(PhysAddr(at)).ok());
        word.is_some_and(|word| {
            let info = frame_info(word.to_le_bytes());
            matches!(info.kind, MODULE_PAGES | SHADOW_TABLE) || info.private & FRAME_SHARED != 0
        })
    }
}
