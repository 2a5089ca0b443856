//! System calls on the machine as a whole: its name, its limits, and its end.

use abi::linux::process::{
    LINUX_REBOOT_CMD_POWER_OFF, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, RLIMIT_MEMLOCK,
};

use crate::arch;
use crate::errno::Errno;
use crate::mm::{UserSlice, layout};
use crate::process::{self, Pid, events, with_current};

/// Fields of `struct utsname`, 65 bytes each: system, node, release, version, machine, domain. The release says which
/// Linux the system calls follow, because a C library refuses to start on an old one.
const NAMES: [&str; 6] = ["Linux", "guest", "6.12.0-ringside", "#1", "x86_64", "(none)"];
const NAME_BYTES: usize = 65;

pub(super) fn uname(buffer: u64) -> Result<u64, Errno> {
    let mut names = [0; NAMES.len() * NAME_BYTES];
    for (field, name) in names.chunks_mut(NAME_BYTES).zip(NAMES) {
        field[..name.len()].copy_from_slice(name.as_bytes());
    }
    let to = UserSlice::new(buffer, names.len() as u64)?;
    process::copy_out(to, &names).map(|()| 0)
}

/// A resource that is limited (`RLIMIT_STACK`).
const STACK: u64 = 3;

/// Limits can be asked for, and stay as they are.
pub(super) fn prlimit64(_pid: u64, resource: u64, new: u64, old: u64) -> Result<u64, Errno> {
    if new != 0 {
        return Err(Errno::EPERM);
    }
    if old != 0 {
        let limit = match resource {
            STACK => layout::STACK_LIMIT_BYTES,
            RLIMIT_MEMLOCK => layout::LOCK_LIMIT_BYTES,
            _ => u64::MAX,
        };
        let mut limits = [0; 16];
        limits[..8].copy_from_slice(&limit.to_le_bytes());
        limits[8..].copy_from_slice(&limit.to_le_bytes());
        let to = UserSlice::new(old, 16)?;
        process::copy_out(to, &limits)?;
    }
    Ok(0)
}

/// Most random bytes of one call.
const MAX_RANDOM_BYTES: u64 = 256;

/// Zeros: every run is to be the same.
pub(super) fn getrandom(buffer: u64, count: u64) -> Result<u64, Errno> {
    let bytes = [0; MAX_RANDOM_BYTES as usize];
    let count = count.min(MAX_RANDOM_BYTES);
    let to = UserSlice::new(buffer, count)?;
    process::copy_out(to, &bytes[..count as usize])?;
    Ok(count)
}

/// Only init may end the machine, as long as it is the superuser's.
pub(super) fn reboot(magic1: u64, magic2: u64, command: u64) -> Result<u64, Errno> {
    if !with_current(|process| process.pid() == Pid::INIT && process.is_superuser()) {
        return Err(Errno::EPERM);
    }
    // All three are C ints.
    if [magic1, magic2].map(low_half) != [LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2]
        || low_half(command) != LINUX_REBOOT_CMD_POWER_OFF
    {
        return Err(Errno::EINVAL);
    }
    events::power_off();
    arch::halt_forever();
}

fn low_half(register: u64) -> u64 {
    register & u64::from(u32::MAX)
}
