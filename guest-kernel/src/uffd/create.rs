//! userfaultfd: a descriptor for the memory of the process that runs.

use abi::linux::syscall::{O_CLOEXEC, O_NONBLOCK};
use abi::linux::userfaultfd::UFFD_USER_MODE_ONLY;

use super::context::{Context, ContextId, Scope};
use super::file::Userfaultfd;
use crate::errno::Errno;
use crate::fs::{AtExec, OpenMode, Patience, open_unnamed};
use crate::process::{self, MemoryHandle};

/// Faults inside the kernel are the superuser's to serve, as on a Linux with `vm.unprivileged_userfaultfd=0`.
pub(crate) fn create(flags: u64) -> Result<u64, Errno> {
    let scope = if flags & UFFD_USER_MODE_ONLY == 0 {
        process::require_superuser()?;
        Scope::Everything
    } else {
        Scope::UserMode
    };
    if flags & !(UFFD_USER_MODE_ONLY | O_CLOEXEC | O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let patience = Patience::from_flags(flags);
    let at_exec = AtExec::from_flags(flags);
    process::with_current(|process| process.files().check_room())?;
    let id = ContextId::claim(Context {
        memory: MemoryHandle::of_current(),
        scope,
        features: None,
    })?;
    let file = open_unnamed(Userfaultfd { id, patience }, OpenMode::READ).inspect_err(|_| id.free())?;
    process::with_current(|process| process.files().add(file, at_exec))
}
