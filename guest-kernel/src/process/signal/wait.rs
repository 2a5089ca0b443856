//! rt_sigtimedwait: a signal that is blocked is taken instead of acting.

use super::super::table;
use super::deliver::take_shared;
use super::{Origin, Signal, SignalSet};
use crate::errno::Errno;
use crate::process::{Sleep, Woken};
use crate::sched::{self, Disturbed, Moment};

/// Takes a signal of the set that is pending, or sleeps until one comes. EAGAIN when none has come by the deadline,
/// EINTR when another signal is there.
pub(crate) fn wait_for_signal(
    wanted: SignalSet,
    deadline: Option<Moment>,
) -> Result<(Signal, Origin), Errno> {
    let wanted = wanted.blockable();
    let mut is_over = deadline.is_some_and(|deadline| deadline <= sched::now());
    let mut is_disturbed = false;
    loop {
        let taken = table::with_table(|table| {
            let own = table.current_thread().pending.take(wanted);
            let pid = table.current_process().pid;
            own.or_else(|| take_shared(table, pid, wanted))
        });
        match taken {
            Some(taken) => return Ok(taken),
            None if is_over => return Err(Errno::EAGAIN),
            None if is_disturbed => return Err(Errno::EINTR),
            None => match sched::sleep(Sleep::Signal(wanted, deadline)) {
                Ok(woken) => is_over = woken == Woken::ByTime,
                // The signal may be the very one.
                Err(Disturbed) => is_disturbed = true,
            },
        }
    }
}
