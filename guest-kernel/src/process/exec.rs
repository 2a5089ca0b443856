//! execve: another program in the same process; and the first program of all.

use super::arguments::Arguments;
use super::load::{Program, load};
use super::{Pid, fork, table};
use crate::arch::TrapFrame;
use crate::device::events::{self, Event};
use crate::errno::Errno;
use crate::fs::{OpenFiles, initrd};
use crate::mm::{self, AddressSpace};
use crate::mutant::{self, Mutant};

/// Longest path with its NUL. A longer one names nothing in an initrd.
const PATH_BYTES: usize = 256;

/// Replaces the program of the process that runs. Whatever fails, fails before the old program is gone.
pub(crate) fn exec(frame: &mut TrapFrame, path: u64, argv: u64, envp: u64) -> Result<(), Errno> {
    table::with_current(|process| {
        let Program {
            address_space,
            entry,
            stack,
        } = prepare(process.address_space(), path, argv, envp)?;
        address_space.page_table().activate();
        process.address_space = Some(address_space);
        if mutant::is(Mutant::ExecLeaksFrame) {
            mm::leak_frame();
        }
        let root = process.address_space().page_table().root();
        events::send(Event::Executed {
            pid: process.pid,
            root,
        });
        *frame = TrapFrame::entering_user(entry, stack);
        Ok(())
    })
}

fn prepare(caller: &mut AddressSpace, path: u64, argv: u64, envp: u64) -> Result<Program, Errno> {
    let mut buffer = [0; PATH_BYTES];
    let path = read_path(caller, path, &mut buffer)?;
    let file = find_executable(path)?;
    let arguments = Arguments::from_user(caller, argv, envp, path)?;
    load(file, &arguments)
}

/// Copies a path in. The empty path names nothing.
pub(crate) fn read_path<'b>(
    caller: &mut AddressSpace,
    path: u64,
    buffer: &'b mut [u8; PATH_BYTES],
) -> Result<&'b [u8], Errno> {
    let len = caller.read_string(path, buffer)?.ok_or(Errno::ENAMETOOLONG)?;
    if len == 0 {
        Err(Errno::ENOENT)
    } else {
        Ok(&buffer[..len])
    }
}

fn find_executable(path: &[u8]) -> Result<&'static [u8], Errno> {
    let file = initrd::find(path).ok_or(Errno::ENOENT)?;
    if file.is_executable() {
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
    events::send(Event::FirstUser { pid: Pid::INIT });
    table::start_first();
}

fn create_init(path: &[u8]) -> Result<(), Errno> {
    let Program {
        address_space,
        entry,
        stack,
    } = load(find_executable(path)?, &Arguments::for_init(path)?)?;
    let frame = TrapFrame::entering_user(entry, stack);
    table::with_table(|table| {
        Ok(fork::add(
            table,
            Pid::INIT,
            None,
            address_space,
            OpenFiles::on_console(),
            frame,
        )?)
    })
}
