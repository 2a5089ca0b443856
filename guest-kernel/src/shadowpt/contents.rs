//! shadowpt_page_contents: what is in a page that the target maps.

use core::ops::ControlFlow;

use abi::PAGE_SIZE;

use super::{SHADOW, Slot};
use crate::errno::Errno;
use crate::fs::pieces;
use crate::mm::{AddressSpace, FrameNumber, FrameRef, PageRange, UserSlice, copy_from_frame};
use crate::mutant::{self, Mutant};
use crate::process::{self, Process, Table};

/// Copies the frame of that number to the caller's memory. EPERM without superuser; EINVAL when no table is open, or the target
/// does not map the frame in the table's range at this moment; EFAULT when the buffer cannot take it, after what it could take.
pub(crate) fn page_contents(frame: u64, buffer: u64) -> Result<(), Errno> {
    process::require_superuser()?;
    // Held, so that it is the same frame until the end, whatever the copy does to memory.
    let frame = process::with_table(|table| find(table, frame))?;
    let to = UserSlice::new(buffer, PAGE_SIZE)?;
    let copied = pieces::read(&mut 0, to, |offset, into| {
        copy_from_frame(&frame, offset, into);
        Ok(into.len())
    })?;
    if copied == PAGE_SIZE {
        Ok(())
    } else {
        Err(Errno::EFAULT)
    }
}

fn find(table: &mut Table, number: u64) -> Result<FrameRef, Errno> {
    let (target, pages) = match &*SHADOW.lock() {
        Slot::Open(shadow) => (shadow.target, shadow.pages),
        Slot::Free | Slot::Taken => return Err(Errno::EINVAL),
    };
    let target = target.and_then(|pid| table.find_process(pid.as_u32()));
    let target = target.and_then(Process::memory).ok_or(Errno::EINVAL)?;
    let number = u32::try_from(number).map_err(|_| Errno::EINVAL)?;
    hold(target, pages, FrameNumber::new(number)).ok_or(Errno::EINVAL)
}

/// A reference to the frame, if a page of the range maps it and it is memory.
fn hold(target: &AddressSpace, pages: PageRange, wanted: FrameNumber) -> Option<FrameRef> {
    let anywhere = mutant::is(Mutant::ShadowContentsOfAnyFrame);
    let page = target.page_table().for_each_mapped(pages, |page, frame| {
        if frame == Some(wanted) || anywhere {
            ControlFlow::Break(page)
        } else {
            ControlFlow::Continue(())
        }
    })?;
    target.memory_at(page)
}
