//! Physical memory as a file, of which only the doorbell can be had, by mapping it.

use abi::{PAGE_SIZE, doorbell};

use super::super::operations::FileOperations;
use super::super::{OpenFile, seek};
use crate::errno::Errno;
use crate::mm::{Backing, NewArea, PhysAddr, Sharing, UserSlice};

#[derive(Debug)]
pub(super) struct Memory;

impl FileOperations for Memory {
    fn read(&self, _: &OpenFile, _: &mut u64, _: UserSlice) -> Result<u64, Errno> {
        Err(Errno::EPERM)
    }

    fn write(&self, _: &OpenFile, _: &mut u64, _: UserSlice) -> Result<u64, Errno> {
        Err(Errno::EPERM)
    }

    fn seek(&self, file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
        seek::in_addresses(file, offset, whence)
    }

    fn mmap(&self, _: &OpenFile, area: &mut NewArea) -> Result<(), Errno> {
        if area.sharing() != Sharing::Shared {
            return Err(Errno::EINVAL);
        }
        let first = PhysAddr::new(area.first_page() * PAGE_SIZE);
        let pages = doorbell::PHYS_BASE / PAGE_SIZE..=(doorbell::PHYS_BASE + doorbell::LEN_BYTES) / PAGE_SIZE;
        if !pages.contains(&area.first_page()) || !pages.contains(&area.end_page()) {
            return Err(Errno::EPERM);
        }
        area.set_backing(Backing::Device { first });
        Ok(())
    }
}
