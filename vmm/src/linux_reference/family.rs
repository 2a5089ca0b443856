//! A first process and all its descendants.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use abi::linux::process::WAIT_EXIT_SHIFT;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid,
};

use super::error::ReferenceError;

/// A process group. Dropping it kills whatever is left.
///
/// **Invariant:** the first process is reaped by `drop` and nowhere else, so that its id, which is also the group's,
/// belongs to nobody else while it may be killed.
pub(super) struct Family {
    first: Child,
    first_fd: OwnedFd,
}

impl Family {
    pub(super) fn spawn(mut command: Command, path: &Path) -> Result<Self, ReferenceError> {
        let mut first = command.spawn().map_err(|source| ReferenceError::Launch {
            path: path.to_owned(),
            source,
        })?;
        match open_process(first.id()) {
            Ok(first_fd) => {
                let first_fd = first_fd.expect("a child that nobody waited for keeps its id");
                Ok(Self { first, first_fd })
            }
            Err(error) => {
                // Without a handle nobody else would end it. It is our unreaped child, so both calls can only succeed.
                let _ = first.kill();
                let _ = first.wait();
                Err(error)
            }
        }
    }

    /// Wait status of the first process, once it has ended.
    pub(super) fn first_status(&self) -> Result<Option<u32>, ReferenceError> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let ended = waitid(WaitId::PidFd(self.first_fd.as_fd()), options)
            .map_err(ReferenceError::system("ask for the first process's status"))?;
        Ok(ended.and_then(|ended| {
            let exited = ended
                .exit_status()
                .map(|code| (code as u32 & 0xff) << WAIT_EXIT_SHIFT);
            exited.or_else(|| ended.terminating_signal().map(i32::cast_unsigned))
        }))
    }

    /// As [`Family::first_status`], but waits for it. Nothing if the time is over.
    pub(super) fn wait_for_first(&self, timeout: Duration) -> Result<Option<u32>, ReferenceError> {
        wait_readable(&[&self.first_fd], timeout)?;
        self.first_status()
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        let group = Pid::from_child(&self.first);
        // The group exists while its leader is not reaped, and a leader that is killed can be waited for.
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.first.wait();
    }
}

/// A handle that becomes readable when process `id` ends, or nothing if there is no such process.
pub(super) fn open_process(id: u32) -> Result<Option<OwnedFd>, ReferenceError> {
    let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) else {
        return Ok(None);
    };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => Ok(Some(process)),
        Err(Errno::SRCH) => Ok(None),
        Err(errno) => Err(ReferenceError::system("open the process")(errno)),
    }
}

/// Waits until one of the descriptors is readable or closed. False if the time is over.
pub(super) fn wait_readable(fds: &[&OwnedFd], timeout: Duration) -> Result<bool, ReferenceError> {
    let deadline = Instant::now() + timeout;
    let mut polled: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::IN)).collect();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left =
            Timespec::try_from(left).map_err(|_| ReferenceError::system("wait that long")(Errno::INVAL))?;
        match poll(&mut polled, Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(ReferenceError::system("wait for the processes")(errno)),
        }
    }
}
