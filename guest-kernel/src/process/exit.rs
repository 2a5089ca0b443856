//! exit: the process gives back what it has and leaves its status.

use abi::linux::process::WAIT_EXIT_SHIFT;

use super::{Pid, State, table};
use crate::device::events::{self, Event};
use crate::mm;
use crate::mutant::{self, Mutant};
use crate::sched;

/// Ends the process that runs because it wants to.
pub(crate) fn exit(code: u64) -> ! {
    let mask = if mutant::is(Mutant::ExitCodeTruncated) {
        0xf
    } else {
        0xff
    };
    end((code as u32 & mask) << WAIT_EXIT_SHIFT);
}

/// Ends the process that runs, with a status as wait4 gives it.
pub(super) fn end(status: u32) -> ! {
    let parent = table::with_table(|table| {
        let pid = table.current();
        assert!(pid != Pid::INIT, "init exited, wait status {status:#x}");
        mm::activate_kernel();
        table.current_mut().address_space = None;
        if mutant::is(Mutant::ExitLeaksFrame) {
            mm::leak_frame();
        }
        table.give_children(pid, Pid::INIT);
        table.current_mut().state = State::Zombie { status };
        events::send(Event::Exited { pid, status });
        if mutant::is(Mutant::PowersOffEarly) {
            events::send(Event::PowerOff);
        }
        table
            .current_mut()
            .parent()
            .expect("every process but init has a parent")
    });
    // Init may have got a zombie from us that it waits for.
    for waiter in [parent, Pid::INIT] {
        wake(waiter);
    }
    sched::leave();
}

fn wake(pid: Pid) {
    let was_waiting = table::with_table(|table| {
        let process = table.get_mut(pid);
        let was_waiting = matches!(process.state, State::Waiting(_));
        if was_waiting {
            process.state = State::Ready;
        }
        was_waiting
    });
    if was_waiting {
        sched::enqueue(pid);
    }
}
