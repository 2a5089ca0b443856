//! execve: another program in the same process; and the first program of all.
//!
//! The other threads of the process end first. Only the first thread of a process may call execve while there are others:
//! Linux gives a later one the first one's number, and here numbers do not change hands.

use super::arguments::Arguments;
use super::events;
use super::load::{Program, load};
use super::signal::{Actions, AlternateStack};
use super::thread::Sleep;
use super::{Credentials, Heritage, Pid, SignalSet, copy, fork, table};
use crate::arch::{TrapFrame, UserState};
use crate::errno::Errno;
use crate::fs::{OpenFiles, initrd, open_console};
use crate::mm::{self, CachedBytes};
use crate::mutant::{self, Mutant};
use crate::sched::{self, Disturbed};
use crate::shadowpt;

/// Longest path with its NUL. A longer one names nothing in an initrd.
const PATH_BYTES: usize = 256;

/// Replaces the program of the process that runs. Whatever fails, fails before the old program is gone.
pub(crate) fn exec(frame: &mut TrapFrame, path: u64, argv: u64, envp: u64) -> Result<(), Errno> {
    let program = prepare(path, argv, envp)?;
    end_other_threads()?;
    table::with_table(|table| {
        let thread = table.current_thread();
        thread.user_state = UserState::INITIAL;
        thread.user_state.restore();
        thread.clear_at_end = 0;
        thread.alternate_stack = AlternateStack::NONE;
        thread.restart = None;
        let process = table.current_process();
        let Program {
            address_space,
            entry,
            stack,
        } = program;
        address_space.page_table().activate();
        process.address_space = Some(address_space);
        process.has_executed = true;
        process.files.close_at_exec();
        process.credentials.start_anew();
        process.actions.drop_handlers();
        shadowpt::program_replaced(process);
        if mutant::is(Mutant::ExecLeaksFrame) {
            mm::leak_frame();
        }
        let root = process.address_space().page_table().root();
        events::executed(process.pid, root);
        *frame = TrapFrame::entering_user(entry, stack);
        Ok(())
    })
}

/// Waits until the calling thread is the only one.
fn end_other_threads() -> Result<(), Errno> {
    loop {
        let alone = table::with_table(|table| {
            let (tid, process) = (table.current(), table.current_process());
            let pid = process.pid;
            if process.threads.len() == 1 {
                process.survivor = None;
                return Ok(true);
            }
            if tid != pid.into() || process.survivor.is_some_and(|survivor| survivor != tid) {
                return Err(Errno::EAGAIN);
            }
            process.survivor = Some(tid);
            table.wake_all(pid, |_| true);
            Ok(false)
        })?;
        if alone {
            return Ok(());
        }
        // It waits for whatever signal there is, so only the end of the process ends that early.
        sched::sleep(Sleep::Threads).map_err(|Disturbed| Errno::EINTR)?;
    }
}

fn prepare(path: u64, argv: u64, envp: u64) -> Result<Program, Errno> {
    let mut buffer = [0; PATH_BYTES];
    let path = read_path(path, &mut buffer)?;
    let file = find_executable(path)?;
    let arguments = copy::with_memory(|caller| Arguments::from_user(caller, argv, envp, path))?;
    load(file, &arguments)
}

/// Copies a path in. The empty path names nothing.
pub(crate) fn read_path(path: u64, buffer: &mut [u8; PATH_BYTES]) -> Result<&[u8], Errno> {
    let len = copy::with_memory(|caller| caller.read_string(path, buffer))?;
    let len = len.ok_or(Errno::ENAMETOOLONG)?;
    if len == 0 {
        Err(Errno::ENOENT)
    } else {
        Ok(&buffer[..len])
    }
}

fn find_executable(path: &[u8]) -> Result<CachedBytes, Errno> {
    let file = initrd::find(path).ok_or(Errno::ENOENT)?;
    if file.is_executable {
        Ok(file.contents)
    } else {
        Err(Errno::EACCES)
    }
}

/// Makes the first process, of the program at `path`, and leaves boot for it.
pub(crate) fn start_init(path: &[u8]) -> ! {
    if let Err(error) = create_init(path) {
        panic!("cannot start init {:?}: {error:?}", core::str::from_utf8(path));
    }
    events::first_user(Pid::INIT);
    table::start_first();
}

fn create_init(path: &[u8]) -> Result<(), Errno> {
    let Program {
        address_space,
        entry,
        stack,
    } = load(find_executable(path)?, &Arguments::for_init(path)?)?;
    let frame = TrapFrame::entering_user(entry, stack);
    let (tid, mask) = (Pid::INIT.into(), SignalSet::default());
    let thread = fork::new_thread(tid, Pid::INIT, frame, UserState::INITIAL, mask)?;
    let heritage = Heritage {
        files: OpenFiles::with_standard_streams(&open_console()?),
        credentials: Credentials::SUPERUSER,
        group: Pid::INIT,
        actions: Actions::default(),
    };
    Ok(table::with_table(|table| {
        fork::add(table, None, heritage, address_space, thread)
    })?)
}
