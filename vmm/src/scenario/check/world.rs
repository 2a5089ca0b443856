//! Which processes and regions there are at a step.

use std::collections::{BTreeMap, BTreeSet};

use abi::PAGE_SIZE;
use abi::boot::{MAX_MEMORY_MIB, MIN_MEMORY_MIB};

use super::CheckError;
use crate::scenario::language::{
    Clock, FunctionName, OperationStep, ProcessName, RegionAddress, RegionName, Scenario, Swap,
};

const BYTES_PER_MIB: u64 = 1 << 20;

/// Processes and regions at one step.
pub(super) struct World {
    /// The step, counted from 0.
    pub(super) step: usize,
    /// The last check step before it.
    pub(super) last_check: Option<usize>,
    /// Pages that the guest can hold, in memory and on its disk.
    pub(super) memory_pages: u64,
    has_disk: bool,
    /// Forks so far, as many as there can have been.
    pub(super) forks: u64,
    /// How time passes.
    pub(super) clock: Clock,
    /// Ticks of the virtual clock so far; programs that were run may have taken more.
    pub(super) ticks: u64,
    processes: BTreeMap<ProcessName, Process>,
    /// Functions that have names.
    functions: BTreeSet<FunctionName>,
}

/// A process, or a group of them.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) kind: Kind,
    pub(super) parent: Option<ProcessName>,
    /// Step that made it.
    pub(super) since_step: usize,
    pub(super) state: State,
    pub(super) regions: BTreeMap<RegionName, Region>,
}

/// One process or many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Single,
    Group,
}

/// What a process is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It can take a step.
    Ready,
    /// It is in a call that a step started with `blocks`.
    Waiting { step: usize, call: Call },
    /// It has ended.
    Ended { step: usize, how: End },
    /// It has ended, and its parent has taken its status.
    Reaped { step: usize, how: End },
}

/// What a process is busy with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// It waits for this child, or for any.
    Wait { child: Option<ProcessName> },
    /// It sleeps until so many ticks have passed since the start.
    Sleep { until_ticks: u64 },
    /// It loops.
    Spin,
}

/// How a process came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Exit,
    Fault,
    Kill,
}

/// A region, as long as it ever was: what has been unmapped can still be named, and faulted on.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) pages: u64,
    /// Pages that the heap has now.
    pub(super) heap_pages: u64,
    /// Step that made it.
    pub(super) since_step: usize,
}

impl World {
    pub(super) fn new(scenario: &Scenario) -> Self {
        // A size out of range is a finding of its own, and need not make every mapping one.
        let memory_mib = scenario.guest.memory_mib.clamp(MIN_MEMORY_MIB, MAX_MEMORY_MIB);
        let swap_mib = scenario.guest.swap.map_or(0, |swap| swap.mib.min(Swap::MAX_MIB));
        let mut world = Self {
            step: 0,
            last_check: None,
            memory_pages: (memory_mib + swap_mib) * (BYTES_PER_MIB / PAGE_SIZE),
            has_disk: scenario.guest.swap.is_some(),
            forks: 0,
            clock: scenario.guest.clock,
            ticks: 0,
            processes: BTreeMap::new(),
            functions: scenario.functions.keys().cloned().collect(),
        };
        let init = ProcessName::init();
        if let Some(OperationStep { process: first, .. }) = scenario.first_operation() {
            world
                .processes
                .insert(first.clone(), Process::new(Kind::Single, Some(init.clone()), 0));
        }
        world.processes.insert(init, Process::new(Kind::Single, None, 0));
        world
    }

    /// That the guest has a disk to swap to.
    pub(super) fn disk(&self) -> Result<(), CheckError> {
        if self.has_disk {
            Ok(())
        } else {
            Err(CheckError::NoDisk)
        }
    }

    /// Whether a function has this name.
    pub(super) fn function(&self, name: &FunctionName) -> Result<(), CheckError> {
        if self.functions.contains(name) {
            return Ok(());
        }
        Err(CheckError::UnknownFunction {
            found: name.to_string(),
            known: self.functions.iter().map(ToString::to_string).collect(),
        })
    }

    /// The process or group of this name, in whatever state.
    pub(super) fn named(&self, name: &ProcessName) -> Result<&Process, CheckError> {
        self.processes
            .get(name)
            .ok_or_else(|| CheckError::UnknownProcess {
                found: name.to_string(),
                known: self
                    .processes
                    .keys()
                    .filter(|name| !name.is_init())
                    .map(ToString::to_string)
                    .collect(),
            })
    }

    /// The process or group of this name, of which [`Self::named`] knows.
    pub(super) fn named_mut(&mut self, name: &ProcessName) -> &mut Process {
        self.processes.get_mut(name).expect("the caller has looked it up")
    }

    /// The process or group of this name, if it has not ended.
    pub(super) fn living(&self, name: &ProcessName) -> Result<&Process, CheckError> {
        let process = self.named(name)?;
        match process.state {
            State::Ready | State::Waiting { .. } => Ok(process),
            State::Ended { step, how } | State::Reaped { step, how } => Err(CheckError::ProcessEnded {
                process: name.to_string(),
                how: how.words(),
                step,
            }),
        }
    }

    /// The process of this name, if it is one whose memory can be spoken of.
    pub(super) fn single(&self, name: &ProcessName) -> Result<&Process, CheckError> {
        let process = self.living(name)?;
        match process.kind {
            Kind::Single => Ok(process),
            Kind::Group => Err(CheckError::GroupMisused {
                group: name.to_string(),
            }),
        }
    }

    /// The processes and groups that are children of `parent`, by the step that made them.
    pub(super) fn children(&self, parent: &ProcessName) -> Vec<(&ProcessName, &Process)> {
        let is_child = |process: &Process| process.parent.as_ref() == Some(parent);
        let mut children: Vec<_> = self
            .processes
            .iter()
            .filter(|(_, process)| is_child(process))
            .collect();
        children.sort_by_key(|(_, process)| process.since_step);
        children
    }

    /// Processes in a call that takes its time, and the step that started it.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (&ProcessName, usize, &Call)> {
        self.processes
            .iter()
            .filter_map(|(name, process)| match &process.state {
                State::Waiting { step, call } => Some((name, *step, call)),
                State::Ready | State::Ended { .. } | State::Reaped { .. } => None,
            })
    }

    /// The process has ended, and its children are init's.
    pub(super) fn end(&mut self, name: &ProcessName, how: End) {
        let step = self.step;
        self.named_mut(name).state = State::Ended { step, how };
        for child in self.processes.values_mut() {
            if child.parent.as_ref() == Some(name) {
                child.parent = Some(ProcessName::init());
            }
        }
    }

    /// The process has another program, and with it nothing that it has mapped.
    pub(super) fn replace_program(&mut self, name: &ProcessName) {
        let since_step = self.step;
        let process = self.named_mut(name);
        process.regions = Process::new(process.kind, None, since_step).regions;
    }

    /// A child of `parent`, with a copy of its memory.
    pub(super) fn add_child(
        &mut self,
        parent: &ProcessName,
        name: &ProcessName,
        kind: Kind,
    ) -> Result<(), CheckError> {
        if name.is_init() {
            return Err(CheckError::InitTaken);
        }
        if let Some(taken) = self.processes.get(name) {
            return Err(CheckError::NameTaken {
                found: name.to_string(),
                step: taken.since_step,
            });
        }
        let mut child = Process::new(kind, Some(parent.clone()), self.step);
        child.regions = self.named(parent)?.regions.clone();
        self.processes.insert(name.clone(), child);
        Ok(())
    }

    /// The region of this name in the memory of a process that has not ended.
    pub(super) fn region(&self, process: &ProcessName, name: &RegionName) -> Result<&Region, CheckError> {
        self.single(process)?.region(process, name)
    }

    /// A new region in the memory of a process.
    pub(super) fn add_region(
        &mut self,
        process: &ProcessName,
        name: &RegionName,
        pages: u64,
    ) -> Result<(), CheckError> {
        if *name == RegionName::heap() {
            return Err(CheckError::HeapTaken);
        }
        let since_step = self.step;
        let regions = &mut self.named_mut(process).regions;
        if let Some(taken) = regions.get(name) {
            return Err(CheckError::NameTaken {
                found: name.to_string(),
                step: taken.since_step,
            });
        }
        regions.insert(
            name.clone(),
            Region {
                pages,
                heap_pages: 0,
                since_step,
            },
        );
        Ok(())
    }
}

impl Process {
    fn new(kind: Kind, parent: Option<ProcessName>, since_step: usize) -> Self {
        let heap = Region {
            pages: 0,
            heap_pages: 0,
            since_step,
        };
        let regions = BTreeMap::from([(RegionName::heap(), heap)]);
        Self {
            kind,
            parent,
            since_step,
            state: State::Ready,
            regions,
        }
    }

    /// The region of this name; `process` is this one's name.
    pub(super) fn region(&self, process: &ProcessName, name: &RegionName) -> Result<&Region, CheckError> {
        self.regions.get(name).ok_or_else(|| CheckError::UnknownRegion {
            process: process.to_string(),
            found: name.to_string(),
            known: self.regions.keys().map(ToString::to_string).collect(),
        })
    }

    /// Whether `len_bytes` bytes from an address on lie in its region.
    pub(super) fn holds(
        &self,
        process: &ProcessName,
        at: &RegionAddress,
        len_bytes: u64,
    ) -> Result<(), CheckError> {
        let pages = self.region(process, &at.region)?.pages;
        let region_bytes = pages.saturating_mul(PAGE_SIZE);
        let offset_bytes = at.offset_bytes().unwrap_or(u64::MAX);
        let region = at.region.to_string();
        if offset_bytes >= region_bytes {
            return Err(CheckError::PagePastRegion {
                region,
                page: offset_bytes / PAGE_SIZE,
                pages,
            });
        }
        if len_bytes > region_bytes - offset_bytes {
            return Err(CheckError::BytesPastRegion {
                region,
                address: at.to_string(),
                len_bytes,
                pages,
            });
        }
        Ok(())
    }
}

impl End {
    fn words(self) -> &'static str {
        match self {
            Self::Exit => "it exits",
            Self::Fault => "it is expected to fault",
            Self::Kill => "it is killed",
        }
    }
}
