//! Reading and writing the process's own memory through `/proc/self/mem`.

use abi::PAGE_SIZE;

use super::table;
use crate::errno::Errno;
use crate::mm::{Access, FrameRef, Lookup, VirtAddr, copy_from_frame, copy_to_frame};
use crate::sched::{self, Site};

/// Reads from an address on, within one page.
pub(crate) fn read_own(address: u64, into: &mut [u8]) -> Result<(), Errno> {
    let frame = page_behind(address, Access::Read)?;
    copy_from_frame(&frame, address % PAGE_SIZE, into);
    Ok(())
}

/// Writes from an address on, within one page, whether or not the program may write there.
pub(crate) fn write_own(address: u64, from: &[u8]) -> Result<(), Errno> {
    let frame = page_behind(address, Access::Write)?;
    copy_to_frame(&frame, address % PAGE_SIZE, from);
    Ok(())
}

/// Looks the page up until it is there: what Linux calls `get_user_pages`. The frame that comes back stays what it is,
/// whatever becomes of the page. EIO where nothing can be had, as Linux has it for this file.
fn page_behind(address: u64, access: Access) -> Result<FrameRef, Errno> {
    let page = VirtAddr::new(address).page();
    let mut lookup = Lookup::new(access);
    loop {
        sched::reschedule_point(Site::GetUserPages);
        let found = table::with_table(|table| {
            if table.current_must_end() {
                return Err(Errno::EINTR);
            }
            Ok(table.current_process().address_space().follow_page(page, lookup))
        })?;
        if let Some(frame) = found {
            return Ok(frame);
        }
        lookup = table::with_current(|process| process.address_space().fault_in_page(page, lookup))
            .map_err(|_| Errno::EIO)?;
    }
}
