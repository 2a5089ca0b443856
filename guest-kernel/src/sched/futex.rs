//! Futexes: threads that wait until somebody says that a word in memory has changed.
//!
//! A word is named by where it is: in private memory by process and address, in shared memory by its frame, since the
//! processes that share it have it at different addresses.

use super::{Disturbed, Moment, Waiters, sleep};
use crate::errno::Errno;
use crate::mm::{AddressSpace, CopyError, FrameNumber, UserSlice};
use crate::mutant::{self, Mutant};
use crate::process::{self, Pid, Process, Restart, Sleep, Table, Tid, Woken};
use crate::sync::Lock;

/// Wakers and waiters that do not tell classes apart.
pub(crate) const ANY_CLASS: u32 = u32::MAX;

/// Which word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FutexKey {
    Private { process: Pid, address: u64 },
    Shared { frame: FrameNumber, offset: u64 },
}

/// What a thread waits for.
#[derive(Clone, Copy)]
struct Wake {
    key: FutexKey,
    classes: u32,
}

static WAITERS: Lock<Waiters<Wake>> = Lock::new(Waiters::new());

/// Sleeps while the word holds `expected`, until a wake-up of one of the classes or the deadline.
pub(crate) fn wait(address: u64, expected: u32, deadline: Option<Moment>, classes: u32) -> Result<(), Errno> {
    let key = process::patiently(|table| {
        let tid = table.current();
        let process = table.current_process();
        let key = key_of(process, address)?;
        let mut word = [0; 4];
        process
            .address_space()
            .read(UserSlice::new(address, 4)?, &mut word)?;
        if u32::from_le_bytes(word) != expected {
            return Err(Errno::EAGAIN.into());
        }
        WAITERS.lock().push(tid, Wake { key, classes });
        Ok(key)
    })?;
    match (sleep(Sleep::Futex(key, deadline)), deadline) {
        (Ok(Woken::ByEvent), _) => Ok(()),
        (Ok(Woken::ByTime), _) => Err(Errno::ETIMEDOUT),
        (Err(Disturbed), None) => Err(Errno::ERESTARTSYS),
        (Err(Disturbed), Some(deadline)) => {
            let restart = Restart::Futex {
                word: address,
                expected,
                deadline,
                classes,
            };
            process::with_thread(|thread| thread.set_restart(restart));
            Err(Errno::ERESTART_RESTARTBLOCK)
        }
    }
}

/// Wakes at most `count` threads that wait for the word in one of the classes, and says how many.
pub(crate) fn wake(address: u64, count: u64, classes: u32) -> Result<u64, Errno> {
    process::patiently(|table| {
        let key = key_of(table.current_process(), address)?;
        Ok(wake_waiters(table, key, count, classes))
    })
}

/// As [`wake`], by the word's key.
pub(crate) fn wake_waiters(table: &mut Table, key: FutexKey, count: u64, classes: u32) -> u64 {
    if mutant::is(Mutant::FutexWakeLost) {
        return 0;
    }
    let mut woken = 0;
    while woken < count {
        let first = WAITERS
            .lock()
            .first(|wake| wake.key == key && wake.classes & classes != 0);
        let Some(tid) = first else { break };
        table.wake(tid, Woken::ByEvent);
        woken += 1;
    }
    woken
}

/// The key of a word in the memory of a process.
pub(crate) fn key_of(process: &mut Process, address: u64) -> Result<FutexKey, CopyError> {
    if !address.is_multiple_of(4) {
        return Err(Errno::EINVAL.into());
    }
    let pid = process.pid();
    let space: &mut AddressSpace = process.address_space();
    Ok(match space.shared_place(address)? {
        Some((frame, offset)) => FutexKey::Shared { frame, offset },
        None => FutexKey::Private {
            process: pid,
            address,
        },
    })
}

pub(super) fn forget(tid: Tid) {
    WAITERS.lock().remove(tid);
}
