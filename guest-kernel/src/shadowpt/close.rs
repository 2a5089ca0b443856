//! shadowpt_close: the inspector's memory is its own again.

use super::{SHADOW, Slot, track, with_own};
use crate::errno::Errno;
use crate::mutant::{self, Mutant};
use crate::process;
use crate::sched::{self, Site};

/// Gives the table back, started or not. The inspector's memory is as if it had just been mapped.
pub(crate) fn close() -> Result<(), Errno> {
    sched::reschedule_point(Site::ShadowptClose);
    process::with_table(|table| {
        let (window, protection) = with_own(table, |_, shadow| (shadow.window, shadow.window_protection))?;
        track::follow(None);
        // Its frames are free when the last page that shows them is gone too.
        let shadow = core::mem::replace(&mut *SHADOW.lock(), Slot::Free);
        if !mutant::is(Mutant::ShadowCloseKeepsWindow) {
            let inspector = table.current_process().address_space();
            inspector.take_back(window, protection);
        }
        drop(shadow);
        Ok(())
    })
}
