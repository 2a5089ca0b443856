//! Starting a process under a guest's conditions.
#![allow(
    unsafe_code,
    reason = "what runs between fork and exec is the caller's responsibility"
)]

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{self, SigHandler, SigSet, Signal};
use rustix::process::{Resource, Rlimit, getpid, set_child_subreaper, setrlimit};

use super::console::{Console, MAX_OUTPUT_BYTES};
use super::error::ReferenceError;

/// A command that runs `elf` under its bare name, from its directory (so that it finds the others by theirs), as the
/// leader of a process group, without environment.
pub(super) fn command(elf: &Path, console: &Console) -> Result<Command, ReferenceError> {
    // Relative to a directory that the child leaves before exec.
    let absolute = elf.canonicalize().map_err(|source| ReferenceError::Launch {
        path: elf.to_owned(),
        source,
    })?;
    let mut command = Command::new(&absolute);
    command
        .arg0(absolute.file_name().unwrap_or_default())
        .current_dir(absolute.parent().unwrap_or(Path::new("/")))
        .env_clear()
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(console.stdout()?);
    // SAFETY: `confine` makes system calls and nothing else: no allocation, no lock, no memory of this process changed.
    unsafe { command.pre_exec(confine) };
    Ok(command)
}

/// Gives the new process what a guest's first process has.
fn confine() -> io::Result<()> {
    forget_signals()?;
    // Orphans go to the first process, not to this machine's init.
    set_child_subreaper(Some(getpid()))?;
    // A dumped core would show in the wait status. The limit 0 does not hold where a program takes the dumps, 1 does.
    limit(Resource::Core, 1)?;
    limit(Resource::Fsize, MAX_OUTPUT_BYTES)
}

/// Whoever started this process may have it ignore signals, as a shell does with SIGINT for what runs in the background: a signal that is
/// ignored stays so across execve, and ends nobody.
fn forget_signals() -> io::Result<()> {
    let caught = Signal::iterator().filter(|signal| !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP));
    for signal in caught {
        // SAFETY: the default action is no function of this process's.
        unsafe { signal::signal(signal, SigHandler::SigDfl)? };
    }
    SigSet::empty().thread_set_mask()?;
    Ok(())
}

fn limit(resource: Resource, maximum: u64) -> io::Result<()> {
    Ok(setrlimit(
        resource,
        Rlimit {
            current: Some(maximum),
            maximum: Some(maximum),
        },
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signals that have names; those behind them are the C library's, and real-time ones.
    const NAMED: u64 = (1 << 31) - 1;

    #[test]
    fn what_this_process_ignores_its_programs_do_not() {
        // SAFETY: no handler is set, and nothing else here uses the signal.
        unsafe { signal::signal(Signal::SIGUSR2, SigHandler::SigIgn).unwrap() };
        let ignored = |command: &mut Command| {
            let output = command.arg("/proc/self/status").output().unwrap();
            let status = String::from_utf8(output.stdout).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
            u64::from_str_radix(line.unwrap().trim(), 16).unwrap() & NAMED
        };
        assert_ne!(ignored(&mut Command::new("cat")), 0);
        let console = Console::new().unwrap();
        let mut command = command(Path::new("/bin/cat"), &console).unwrap();
        assert_eq!(ignored(command.stdout(Stdio::piped())), 0);
    }
}
