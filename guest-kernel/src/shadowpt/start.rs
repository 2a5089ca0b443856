//! shadowpt_start and shadowpt_stop: from when to when the entries follow the target.

use super::{Tracking, track, with_own};
use crate::errno::Errno;
use crate::mutant::{self, Mutant};
use crate::process;
use crate::sched::{self, Site};

/// Sets every entry to what is there now, and follows the target from now on. Started twice is started anew. A target that has
/// ended has nothing.
pub(crate) fn start() -> Result<(), Errno> {
    sched::reschedule_point(Site::ShadowptStart);
    process::with_table(|table| {
        with_own(table, |table, shadow| {
            let once_is_enough = mutant::is(Mutant::ShadowStartKeepsOld) && shadow.entries.are_filled();
            shadow.tracking = Tracking::Started;
            let target = shadow.target.and_then(|pid| table.find_process(pid.as_u32()));
            match target.and_then(process::Process::memory) {
                Some(target) if once_is_enough => track::follow(Some(target.page_table())),
                Some(target) => shadow.fill(target),
                None => shadow.entries.reset(shadow.pages),
            }
        })
    })
}

/// Leaves the entries as they are. Stopped twice is stopped.
pub(crate) fn stop() -> Result<(), Errno> {
    sched::reschedule_point(Site::ShadowptStop);
    process::with_table(|table| {
        with_own(table, |_, shadow| {
            shadow.tracking = Tracking::Stopped;
            if !mutant::is(Mutant::ShadowStopIgnored) {
                track::follow(None);
            }
        })
    })
}
