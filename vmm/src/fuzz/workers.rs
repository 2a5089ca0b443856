//! Processes that try seeds at the same time, and tell of them in the order of the seeds.
//!
//! Each worker is a fork of the command that confines itself, boots a guest of its own, and forks again for each sequence ([`Template`]).
//! What is told does not depend on how many there are: a seed is told when all smaller ones have been.
//!
//! [`Template`]: crate::run::Template

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Write, pipe};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use kvm_ioctls::Kvm;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid};
use serde::{Deserialize, Serialize};

use super::{Fuzzer, Plan, Tried, scenario};
use crate::guest::Guest;
use crate::run::fork;
use crate::scenario::ScenarioName;
use crate::worker::{Allowed, Confinement, Processes, confine};

/// What to try.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// The host's KVM.
    pub kvm: &'a Kvm,
    /// On what.
    pub guest: &'a Guest,
    /// Programs that it has.
    pub programs: &'a [String],
    /// Of the scenario that is written.
    pub name: &'a ScenarioName,
    /// The first seed.
    pub first: u64,
    /// How many; None for no end.
    pub count: Option<u64>,
    /// Moves of each sequence.
    pub moves: usize,
    /// Whether workers confine themselves.
    pub confinement: Confinement,
}

/// A seed and what came of it, or why nothing did.
#[derive(Serialize, Deserialize)]
struct Told {
    seed: u64,
    tried: Result<Tried, String>,
}

/// The seeds in their order, as they become known.
pub struct Seeds {
    children: Vec<Pid>,
    receiver: Receiver<Told>,
    /// Told out of order.
    waiting: BTreeMap<u64, Result<Tried, String>>,
    next: u64,
    last: Option<u64>,
}

/// Why there is no next seed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// A worker could not try one.
    #[error("seed {seed} cannot be tried: {why}")]
    Failed {
        /// The seed.
        seed: u64,
        /// Why.
        why: String,
    },
    /// A worker has ended.
    #[error("a worker has ended before it had told of seed {seed}")]
    Gone {
        /// The seed that it had to tell of.
        seed: u64,
    },
}

/// Starts so many workers. Nothing else may go on in the process yet.
///
/// # Errors
/// The host cannot start a process.
pub fn start(work: Work<'_>, workers: NonZeroUsize) -> io::Result<Seeds> {
    let mut children = Vec::new();
    let mut readers = Vec::new();
    for index in 0..workers.get() as u64 {
        let (reader, writer) = pipe()?;
        match fork()? {
            ForkResult::Child => {
                drop(readers);
                drop(reader);
                serve(work, index, workers.get(), writer)
            }
            ForkResult::Parent { child } => {
                children.push(child);
                readers.push(reader);
            }
        }
    }
    let (sender, receiver) = channel();
    for reader in readers {
        let sender = sender.clone();
        thread::spawn(move || {
            // Whoever listens finds out that nothing comes.
            let _ = read(reader, |told| sender.send(told).is_ok());
        });
    }
    Ok(Seeds {
        children,
        receiver,
        waiting: BTreeMap::new(),
        next: work.first,
        last: work.count.map(|count| work.first.saturating_add(count)),
    })
}

fn read(from: PipeReader, mut tell: impl FnMut(Told) -> bool) -> io::Result<()> {
    for line in BufReader::new(from).lines() {
        if !tell(serde_json::from_str(&line?)?) {
            break;
        }
    }
    Ok(())
}

impl Seeds {
    /// The next seed and what came of it; None when all have been tried, or when `until` has come.
    ///
    /// # Errors
    /// It could not be tried.
    pub fn next(&mut self, until: Option<Instant>) -> Result<Option<(u64, Tried)>, SeedError> {
        let seed = self.next;
        if self.last.is_some_and(|last| seed >= last) {
            return Ok(None);
        }
        let tried = loop {
            if let Some(tried) = self.waiting.remove(&seed) {
                break tried;
            }
            let told = match until {
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    self.receiver.recv_timeout(left)
                }
                None => self.receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match told {
                Ok(Told { seed, tried }) => self.waiting.insert(seed, tried),
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(SeedError::Gone { seed }),
            };
        };
        self.next += 1;
        match tried {
            Ok(tried) => Ok(Some((seed, tried))),
            Err(why) => Err(SeedError::Failed { seed, why }),
        }
    }
}

impl Drop for Seeds {
    fn drop(&mut self) {
        for child in &self.children {
            // It may have ended by itself.
            let _ = kill(*child, Signal::SIGKILL);
            let _ = waitpid(*child, None);
        }
    }
}

/// A worker: tries every so manyth seed.
fn serve(work: Work<'_>, index: u64, step: usize, mut to: PipeWriter) -> ! {
    let first = work.first.saturating_add(index);
    let last = work.count.map(|count| work.first.saturating_add(count));
    let seeds = (first..)
        .step_by(step)
        .take_while(|seed| last.is_none_or(|last| *seed < last));
    let mut tell = |seed: u64, tried: Result<Tried, String>| {
        let mut line = serde_json::to_vec(&Told { seed, tried }).expect("a report is JSON");
        line.push(b'\n');
        to.write_all(&line).is_ok()
    };
    match ready(work) {
        Err(why) => {
            tell(first, Err(why));
        }
        Ok(mut fuzzer) => {
            for seed in seeds {
                let plan = Plan {
                    seed,
                    moves: work.moves,
                };
                let tried = fuzzer.try_one(plan).map_err(|error| error.to_string());
                let goes_on = matches!(tried, Ok(Tried::Passed { .. }));
                if !tell(seed, tried) || !goes_on {
                    break;
                }
            }
        }
    }
    process::exit(0)
}

/// Confines the worker, and boots its guest.
fn ready(work: Work<'_>) -> Result<Fuzzer<'_>, String> {
    if work.confinement == Confinement::Confined {
        let (_, scenario) = scenario(work.name, work.programs, &[]);
        // Forks for each sequence, and tries sequences without end; none has a server.
        let allowed = Allowed {
            processes: Processes::Branches,
            processor_seconds: None,
            ..Allowed::for_run(work.guest, &scenario, Path::new(""))
        };
        confine(&allowed).map_err(|error| error.to_string())?;
    }
    Fuzzer::new(work.kvm, work.guest, work.programs, work.name).map_err(|error| error.to_string())
}
