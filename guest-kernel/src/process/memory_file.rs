//! Reading and writing a process's memory by address, as `/proc/PID/mem` does.

use abi::PAGE_SIZE;

use super::{MemoryHandle, table};
use crate::errno::Errno;
use crate::mm::{Access, FrameRef, Lookup, VirtAddr, copy_from_frame, copy_to_frame};
use crate::sched::{self, Site};

impl MemoryHandle {
    /// Reads from an address on, within one page. Nothing is read of memory that is gone.
    pub(crate) fn read(self, address: u64, into: &mut [u8]) -> Result<usize, Errno> {
        let Some(frame) = self.page_behind(address, Access::Read)? else {
            return Ok(0);
        };
        copy_from_frame(&frame, address % PAGE_SIZE, into);
        Ok(into.len())
    }

    /// Writes from an address on, within one page, whether or not the program may write there. Nothing is written to memory
    /// that is gone.
    pub(crate) fn write(self, address: u64, from: &[u8]) -> Result<usize, Errno> {
        let Some(frame) = self.page_behind(address, Access::Write)? else {
            return Ok(0);
        };
        copy_to_frame(&frame, address % PAGE_SIZE, from);
        Ok(from.len())
    }

    /// Looks the page up until it is there: what Linux calls `get_user_pages`. The frame that comes back stays what it is,
    /// whatever becomes of the page. EIO where nothing can be had, as Linux has it for this file.
    fn page_behind(self, address: u64, access: Access) -> Result<Option<FrameRef>, Errno> {
        let page = VirtAddr::new(address).page();
        let mut lookup = Lookup::new(access);
        loop {
            sched::reschedule_point(Site::GetUserPages);
            let found = table::with_table(|table| {
                if table.current_must_end() {
                    return Err(Errno::EINTR);
                }
                Ok(self.find(table).map(|space| space.follow_page(page, lookup)))
            })?;
            match found {
                None => return Ok(None),
                Some(Some(frame)) => return Ok(Some(frame)),
                Some(None) => {}
            }
            match self.with(|space| space.fault_in_page(page, lookup)) {
                None => return Ok(None),
                Some(next) => lookup = next.map_err(|_| Errno::EIO)?,
            }
        }
    }
}
