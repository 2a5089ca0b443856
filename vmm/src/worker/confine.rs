//! What a worker may still do when its guest runs: use what it has opened, compute, start threads, and write its answer.
//!
//! Three walls, none of which needs root. Limits of the process bound processor time, memory and files; Landlock leaves the files that a
//! run reads anew and, where the scenario wants a server, a folder for its socket; and a filter of system calls ends the process
//! at a call that no run makes. What one wall lets through the next one stops: a file that was never opened cannot be opened, nobody
//! can be connected to whom the scenario does not name, and no process can be started.
//!
//! **Invariant:** after [`confine`] has returned there is no way back, for this thread and for those that it starts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, PathFd,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::filter::{self, FilterError};
use crate::guest::{Exploring, Guest};
use crate::scenario::{Clock, Scenario, ServerPlace};

/// Where the kernel tells how long a thread waited for a processor.
const PROC_SELF: &str = "/proc/self";
/// Memory of a worker beside its guest's, in bytes.
const BESIDE_BYTES: u64 = 512 << 20;
/// Open files of a worker; a guest's connections are files, too.
const MAX_FILES: u64 = 1024;
/// Processor seconds of a worker beside its guest's budget, for building, judging and telling.
const BESIDE_SECONDS: u64 = 300;
/// How many times its budget a guest may cost: the judge works for it, too.
const JUDGE_FACTOR: u64 = 10;

/// What a run needs once it is confined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Files that it opens for reading.
    pub read: Vec<PathBuf>,
    /// A folder in which it makes and removes sockets.
    pub sockets_in: Option<PathBuf>,
    /// Servers on TCP ports that it connects to.
    pub connect: Vec<SocketAddr>,
    /// Whether it has sockets at all.
    pub sockets: Sockets,
    /// Whether it starts processes.
    pub processes: Processes,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// How long a file may become that it has opened before, in bytes.
    pub file_bytes: u64,
    /// Seconds of processor time; None for as many as it takes.
    pub processor_seconds: Option<u64>,
}

/// Whether a run has sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sockets {
    /// It makes none, and connects to nobody.
    #[default]
    None,
    /// It connects to the servers that its scenario names.
    ToServers,
}

/// Whether a run starts processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Processes {
    /// It does not.
    #[default]
    None,
    /// It forks itself, and waits for what it has forked; no program can be started.
    Branches,
}

/// The process cannot be confined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfineError {
    /// A limit is refused.
    #[error("cannot limit the worker's {what}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// Why not.
        source: rustix::io::Errno,
    },
    /// Landlock is not there.
    #[error(
        "this kernel cannot confine a worker: it has no Landlock (Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK, and `landlock` among \
         the security modules); `--unconfined` runs guests without walls around their workers"
    )]
    NoLandlock,
    /// Landlock refuses.
    #[error("cannot confine the worker to its files")]
    Landlock(#[from] RulesetError),
    /// A file that the run needs cannot be named to Landlock.
    #[error("cannot leave {} to the worker", path.display())]
    Path {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: landlock::PathFdError,
    },
    /// The filter is refused.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

impl Allowed {
    /// What the run of a scenario needs; `scratch` is where sockets may be made.
    #[must_use]
    pub fn for_run(guest: &Guest, scenario: &Scenario, scratch: &Path) -> Allowed {
        let mut read = vec![guest.kernel.clone(), guest.initrd.clone()];
        if guest.clock(scenario) == Clock::Real {
            read.push(PROC_SELF.into());
        }
        let servers = scenario.guest.vsock.values();
        let (mut connect, mut sockets_in, mut sockets) = (Vec::new(), None, Sockets::None);
        for server in servers {
            sockets = Sockets::ToServers;
            match server {
                ServerPlace::Tcp(address) => connect.push(*address),
                ServerPlace::Warehouse(_) => sockets_in = Some(scratch.to_owned()),
                ServerPlace::Unix(_) => {}
            }
        }
        let guest_mib = guest.memory_mib(scenario) + scenario.guest.swap.map_or(0, |swap| swap.mib);
        let explores = scenario.explores();
        let budget_seconds = scenario
            .budget
            .seconds
            .saturating_mul(guest.description.effort.into());
        let seconds = budget_seconds.saturating_mul(JUDGE_FACTOR) + BESIDE_SECONDS;
        Allowed {
            read,
            sockets_in,
            connect,
            sockets,
            processes: if explores && guest.exploring == Exploring::Branching {
                Processes::Branches
            } else {
                Processes::None
            },
            // The judge may hold all of it a second time, as of the last look.
            memory_bytes: 2 * (guest_mib << 20) + BESIDE_BYTES,
            file_bytes: 0,
            processor_seconds: (!explores).then_some(seconds),
        }
    }
}

impl Allowed {
    /// The same, and to fork itself.
    #[must_use]
    pub fn with_branches(self) -> Allowed {
        Allowed {
            processes: Processes::Branches,
            ..self
        }
    }

    /// The same, and to keep so much of memory in a file: as of the last time, it holds that in its own memory, too.
    #[must_use]
    pub fn with_a_file_of(self, file_bytes: u64) -> Allowed {
        Allowed {
            file_bytes,
            memory_bytes: self.memory_bytes.saturating_add(file_bytes),
            ..self
        }
    }

    /// The same, with as much processor time as it takes.
    #[must_use]
    pub fn as_long_as_it_takes(self) -> Allowed {
        Allowed {
            processor_seconds: None,
            ..self
        }
    }
}

/// Gives up everything but what is allowed.
///
/// # Errors
/// The kernel cannot confine a process, or a file that is allowed is not there.
pub fn confine(allowed: &Allowed) -> Result<(), ConfineError> {
    limit(allowed)?;
    restrict_files(allowed)?;
    Ok(filter::install(allowed.sockets, allowed.processes)?)
}

fn limit(allowed: &Allowed) -> Result<(), ConfineError> {
    let limits = [
        (Resource::Core, "core files", Some(0)),
        (Resource::Fsize, "size of files", Some(allowed.file_bytes)),
        (Resource::Nofile, "number of files", Some(MAX_FILES)),
        (Resource::Data, "memory", Some(allowed.memory_bytes)),
        (Resource::Cpu, "processor time", allowed.processor_seconds),
    ];
    for (resource, what, most) in limits {
        let Some(most) = most else { continue };
        // The signal of the lower limit says why; at the higher one it would be SIGKILL, which anybody may have sent.
        let grace = u64::from(matches!(resource, Resource::Cpu));
        // Whoever started the worker may have allowed less already.
        let maximum = getrlimit(resource).maximum;
        let at_most = |most: u64| Some(maximum.map_or(most, |maximum| maximum.min(most)));
        let limits = Rlimit {
            current: at_most(most),
            maximum: at_most(most.saturating_add(grace)),
        };
        setrlimit(resource, limits).map_err(|source| ConfineError::Limit { what, source })?;
    }
    Ok(())
}

fn restrict_files(allowed: &Allowed) -> Result<(), ConfineError> {
    // The first version is what files need; the later rights are denied where the kernel knows them.
    let abi = ABI::V6;
    let mut ruleset = landlock::Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    for path in &allowed.read {
        ruleset = ruleset.add_rule(beneath(path, AccessFs::ReadFile.into())?)?;
    }
    if let Some(folder) = &allowed.sockets_in {
        let access = AccessFs::MakeDir | AccessFs::MakeSock | AccessFs::RemoveDir | AccessFs::RemoveFile;
        ruleset = ruleset.add_rule(beneath(folder, access | AccessFs::ReadDir)?)?;
    }
    for server in &allowed.connect {
        ruleset = ruleset.add_rule(NetPort::new(server.port(), AccessNet::ConnectTcp))?;
    }
    match ruleset.restrict_self()?.ruleset {
        RulesetStatus::NotEnforced => Err(ConfineError::NoLandlock),
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
    }
}

fn beneath(path: &Path, access: BitFlags<AccessFs>) -> Result<PathBeneath<PathFd>, ConfineError> {
    let file = PathFd::new(path).map_err(|source| ConfineError::Path {
        path: path.to_owned(),
        source,
    })?;
    Ok(PathBeneath::new(file, access))
}
