//! shadowpt_open: a table for a range of the target, in memory that the inspector shows it in.

use abi::PAGE_SIZE;
use abi::shadowpt::{END_OFFSET, ENTRY_BYTES, MAX_SPT_RANGE};

use super::table::Entries;
use super::{SHADOW, Shadow, Slot, Tracking};
use crate::errno::Errno;
use crate::mm::{CopyError, PageRange, UserSlice, VirtAddr, layout};
use crate::mutant::{self, Mutant};
use crate::process::{self, Pid, Process, Table};
use crate::sched::{self, Site};

/// What the inspector asks for, checked as far as that needs nobody's memory.
struct Request {
    pages: PageRange,
    window: PageRange,
    /// Where the end of the range goes, if it is another than was asked for.
    end_goes_to: Option<UserSlice>,
}

/// Opens the table for the process `target`. In this order: EPERM without superuser; EBUSY while a table is open, whoever has it;
/// EFAULT for a structure that cannot be read, or not be written to where it must be; EINVAL for a range that is no range of
/// whole pages, a `target` that is no process, and memory for the entries that is not untouched, anonymous, readable, in
/// one area and large enough; ENOMEM. Nothing is left behind by any of them.
pub(crate) fn open(target: i32, request: u64) -> Result<(), Errno> {
    let claim = Claim::make()?;
    sched::reschedule_point(Site::ShadowptMap);
    let shadow = process::patiently(|table| {
        let caller = table.current_process();
        let inspector = caller.pid();
        let request = Request::read(caller, request)?;
        let target = u32::try_from(target).map_err(|_| Errno::EINVAL)?;
        let target = table.find_process(target).ok_or(Errno::EINVAL)?;
        let target = target.memory().is_some().then_some(target.pid());
        let target = target.ok_or(Errno::EINVAL)?;
        make(table, inspector, target, &request)
    })?;
    claim.fulfil(shadow);
    Ok(())
}

/// The table is being made, and nobody else's. Dropped, it is nobody's again.
struct Claim;

impl Claim {
    fn make() -> Result<Self, Errno> {
        process::require_superuser()?;
        let is_free = || matches!(*SHADOW.lock(), Slot::Free);
        if mutant::is(Mutant::ShadowOpenRace) && is_free() {
            sched::reschedule_point(Site::ShadowptOpen);
        } else {
            sched::reschedule_point(Site::ShadowptOpen);
            if !is_free() {
                return Err(Errno::EBUSY);
            }
        }
        *SHADOW.lock() = Slot::Taken;
        Ok(Self)
    }

    fn fulfil(self, shadow: Shadow) {
        *SHADOW.lock() = Slot::Open(shadow);
        core::mem::forget(self);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if mutant::is(Mutant::ShadowOpenFailureKeepsClaim) {
            return;
        }
        *SHADOW.lock() = Slot::Free;
    }
}

impl Request {
    fn read(caller: &mut Process, address: u64) -> Result<Self, CopyError> {
        let space = caller.address_space();
        let mut words = [0; 3];
        for (word, offset) in words.iter_mut().zip([0, 8, 16]) {
            *word = space.read_u64(address.checked_add(offset).ok_or(Errno::EFAULT)?)?;
        }
        let [start, wanted_end, window] = words;
        let is_range = start < wanted_end && wanted_end <= layout::TASK_END.as_u64();
        let is_aligned = [start, wanted_end, window].map(|address| address % PAGE_SIZE) == [0; 3];
        if !is_range || !is_aligned {
            return Err(Errno::EINVAL.into());
        }
        let end = wanted_end.min(start + MAX_SPT_RANGE);
        let pages = PageRange::new(VirtAddr::new(start), VirtAddr::new(end));
        let window_bytes = (pages.pages() * ENTRY_BYTES).next_multiple_of(PAGE_SIZE);
        let window_end = window.checked_add(window_bytes);
        if window_end.is_none_or(|end| end > layout::TASK_END.as_u64()) {
            return Err(Errno::EINVAL.into());
        }
        let window = PageRange::from_length(VirtAddr::new(window), window_bytes).ok_or(Errno::EINVAL)?;
        let end_goes_to = if end == wanted_end {
            None
        } else {
            Some(UserSlice::new(address + END_OFFSET, 8)?)
        };
        Ok(Self {
            pages,
            window,
            end_goes_to,
        })
    }
}

fn make(table: &mut Table, inspector: Pid, target: Pid, request: &Request) -> Result<Shadow, CopyError> {
    let &Request {
        pages,
        window,
        end_goes_to,
    } = request;
    let entries = Entries::new(pages)?;
    let space = table.current_process().address_space();
    let window_protection = space.lend(window, entries.frames())?;
    if let Some(to) = end_goes_to.filter(|_| !mutant::is(Mutant::ShadowTruncationUntold)) {
        let written = space.write(to, &pages.end().as_u64().to_le_bytes());
        written.inspect_err(|_| space.take_back(window, window_protection))?;
    }
    Ok(Shadow {
        inspector,
        target: Some(target),
        pages,
        window,
        window_protection,
        entries,
        tracking: Tracking::Stopped,
    })
}
