//! A process that goes on as two, of which one answers the other.

use std::io::{self, PipeWriter, Read, Write, pipe};
use std::process;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::ForkResult;
use rustix::process::{Signal, set_parent_process_death_signal};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::vm::VmError;

/// Which process goes on.
pub(super) enum Side<T> {
    /// The forked one, with the place of its answer.
    Branch(PipeWriter),
    /// The process that forked it, with the answer.
    Trunk(T),
}

/// Forks. The forked process does not outlive the one that forked it. For a process in which nothing else goes on.
#[allow(unsafe_code, reason = "a process that goes on as two")]
pub(crate) fn fork() -> io::Result<ForkResult> {
    // SAFETY: the caller runs alone in its process but for a watchdog, which waits and holds no lock of anybody's; the forked process
    // never uses it.
    let side = unsafe { nix::unistd::fork() }?;
    if let ForkResult::Child = side {
        set_parent_process_death_signal(Some(Signal::KILL))?;
    }
    Ok(side)
}

/// Forks, and waits for the answer of the forked process. For a process in which nothing else goes on.
pub(super) fn fork_and_wait<T: DeserializeOwned>() -> Result<Side<T>, VmError> {
    let failed = |error: io::Error| VmError::Branch(error.to_string());
    let (mut reader, writer) = pipe().map_err(failed)?;
    match fork().map_err(failed)? {
        ForkResult::Child => Ok(Side::Branch(writer)),
        ForkResult::Parent { child } => {
            drop(writer);
            let mut answer = Vec::new();
            let read = reader.read_to_end(&mut answer);
            match waitpid(child, None).map_err(|error| failed(error.into()))? {
                WaitStatus::Signaled(_, signal, _) => {
                    return Err(VmError::BranchKilled {
                        signal: signal as i32,
                    });
                }
                _ => read.map_err(failed)?,
            };
            let answer: Result<T, String> = serde_json::from_slice(&answer)
                .map_err(|error| VmError::Branch(format!("the process gives no answer: {error}")))?;
            Ok(Side::Trunk(answer.map_err(VmError::Branch)?))
        }
    }
}

/// The end of a forked process: it answers, and is gone.
pub(super) fn answer<T: Serialize>(told: Result<T, VmError>, mut to: PipeWriter) -> ! {
    let told = told.map_err(|error| error.to_string());
    // Whoever waits finds out that there is no answer.
    let written = serde_json::to_vec(&told).map(|told| to.write_all(&told));
    process::exit(i32::from(!matches!(written, Ok(Ok(())))));
}
