//! exit: a thread ends, and with its last thread the process, which gives back what it has and leaves its status.

use abi::linux::process::WAIT_EXIT_SHIFT;

use super::events;
use super::signal::ParentWants;
use super::thread::Sleep;
use super::{Life, Pid, signal, table};
use crate::fs;
use crate::mm::{self, UserSlice};
use crate::mutant::{self, Mutant};
use crate::sched::{self, Site, futex};
use crate::shadowpt;

/// Ends the thread that runs because it wants to.
pub(crate) fn exit_thread(code: u64) -> ! {
    table::with_table(|table| {
        let (tid, process) = (table.current(), table.current_process());
        if tid == process.pid.into() {
            process.first_threads_status = exit_status(code);
        }
    });
    leave();
}

/// Ends the process that runs because it wants to.
pub(crate) fn exit_group(code: u64) -> ! {
    end(exit_status(code));
}

fn exit_status(code: u64) -> u32 {
    let mask = if mutant::is(Mutant::ExitCodeTruncated) {
        0xf
    } else {
        0xff
    };
    (code as u32 & mask) << WAIT_EXIT_SHIFT
}

/// Ends the process that runs, with a status as wait4 gives it.
pub(super) fn end(status: u32) -> ! {
    table::with_table(|table| {
        let pid = table.current_process().pid;
        begin_to_end(table, pid, status);
    });
    leave();
}

/// From now on every thread of the process ends when it comes to the end of what it does in the kernel.
pub(super) fn begin_to_end(table: &mut table::Table, pid: Pid, status: u32) {
    assert!(pid != Pid::INIT, "init exited, wait status {status:#x}");
    let process = table.process(pid);
    if process.life == Life::Alive {
        process.life = Life::Ending { status };
        table.wake_all(pid, |_| true);
    }
}

/// A thread that is to end does not get back to its program.
pub(super) fn end_if_told() {
    if table::with_table(table::Table::current_must_end) {
        leave();
    }
}

/// Ends the thread that runs, which is told to. Until it is taken out of its process it can give way as any other.
pub(super) fn leave() -> ! {
    sched::reschedule_point(Site::Exit);
    clear_word();
    table::with_table(|table| {
        let tid = table.current();
        let pid = table.current_process().pid;
        if table.detach_current().is_empty() {
            end_process(table, pid);
        } else {
            events::thread_exited(tid, pid);
            signal::hand_on(table, pid);
            signal::thread_gone(table, pid);
            wake_survivor(table, pid);
        }
    });
    fs::release_ended();
    sched::leave();
}

/// Tells whoever waits for the thread that it is gone (`CLONE_CHILD_CLEARTID`).
fn clear_word() {
    table::with_table(|table| {
        let address = core::mem::take(&mut table.current_thread().clear_at_end);
        if address == 0 {
            return;
        }
        let process = table.current_process();
        let word = UserSlice::new(address, 4);
        let cleared = word.map(|word| process.address_space().write(word, &[0; 4]));
        // A word that cannot be written at once is nobody's to wait for, not even one that a program would provide.
        if let (Ok(Ok(())), Ok(key)) = (cleared, futex::key_of(process, address)) {
            futex::wake_waiters(table, key, 1, futex::ANY_CLASS);
        }
    });
}

fn wake_survivor(table: &mut table::Table, pid: Pid) {
    let process = table.process(pid);
    if process
        .survivor
        .is_some_and(|survivor| process.threads == [survivor])
    {
        table.wake_all(pid, |reason| reason == Sleep::Threads);
    }
}

/// The last thread is gone: so is everything but the status.
fn end_process(table: &mut table::Table, pid: Pid) {
    assert!(pid != Pid::INIT, "init's last thread exited");
    shadowpt::process_ends(pid);
    mm::activate_kernel();
    let process = table.process(pid);
    let status = match process.life {
        Life::Ending { status } | Life::Zombie { status } => status,
        Life::Alive | Life::Unwanted => process.first_threads_status,
    };
    process.address_space = None;
    process.files.close_all();
    if process.real_timer.expires.is_some() {
        sched::set_alarm(pid, None);
    }
    process.life = Life::Zombie { status };
    let parent = process.parent().expect("every process but init has a parent");
    if mutant::is(Mutant::ExitLeaksFrame) {
        mm::leak_frame();
    }
    let init_has_zombie = !mutant::is(Mutant::OrphanNotAdopted) && table.give_children(pid, Pid::INIT);
    events::exited(pid, status);
    if mutant::is(Mutant::PowersOffEarly) {
        events::power_off();
    }
    let waits_for_child = |reason| matches!(reason, Sleep::Child(_));
    table.wake_all(parent, waits_for_child);
    if signal::tell_parent(table, pid, status) == ParentWants::Nothing {
        table.process(pid).life = Life::Unwanted;
        events::reaped(pid);
    }
    if init_has_zombie {
        table.wake_all(Pid::INIT, waits_for_child);
    }
}
