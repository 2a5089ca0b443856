//! `/proc/lkmc_mmap`: each open has a page of its own, which can be read, written and mapped. A program that maps it gets the page
//! with its first access.

#![no_std]

use abi::samples::{PROC_MMAP_BYTES, PROC_MMAP_TEXT};
use kmod::file::{Area, FaultHandler, FileOperations, ProcFile};
use kmod::{Errno, Lock, Memory, Pages, log, module};

module! {
    name: "proc_mmap",
    init: init,
    exit: exit,
}

static FILE: Lock<Option<ProcFile<ProcMmap>>> = Lock::new(None);

struct ProcMmap {
    /// Areas that there are.
    areas: Lock<u32>,
}

fn init() -> Result<(), Errno> {
    let driver = ProcMmap { areas: Lock::new(0) };
    *FILE.lock() = Some(ProcFile::create(&THIS_MODULE, "lkmc_mmap", driver)?);
    Ok(())
}

fn exit() {
    *FILE.lock() = None;
}

impl FileOperations for ProcMmap {
    type Open = Pages;

    fn open(&self) -> Result<Pages, Errno> {
        log!("open");
        let mut page = Pages::new(1)?;
        page.bytes_mut()[..PROC_MMAP_BYTES].copy_from_slice(&PROC_MMAP_TEXT);
        Ok(page)
    }

    fn release(&self, page: Pages) {
        log!("release: {} areas are left", *self.areas.lock());
        drop(page);
    }

    fn read(&self, page: &Pages, position: &mut u64, to: u64, bytes: usize) -> Result<usize, Errno> {
        let start = usize::try_from(*position).map_or(PROC_MMAP_BYTES, |start| start.min(PROC_MMAP_BYTES));
        let count = bytes.min(PROC_MMAP_BYTES - start);
        page.copy_to_user(start, to, count)?;
        *position += count as u64;
        Ok(count)
    }

    /// Always from the start, and says that all was written, though nothing behind the first bytes is.
    fn write(&self, page: &Pages, _: &mut u64, from: u64, bytes: usize) -> Result<usize, Errno> {
        page.copy_from_user(0, from, bytes.min(PROC_MMAP_BYTES))?;
        Ok(bytes)
    }

    fn mmap(&self, page: &Pages, area: &mut Area<'_, Self>) -> Result<(), Errno> {
        if area.first_page() != 0 || area.pages() != 1 {
            return Err(Errno::EINVAL);
        }
        area.use_faults()?;
        self.vm_open(page);
        Ok(())
    }
}

impl FaultHandler for ProcMmap {
    fn fault(&self, page: &Pages, _: u64) -> Result<u64, Errno> {
        Ok(page.pfn(0))
    }

    fn vm_open(&self, _: &Pages) {
        *self.areas.lock() += 1;
    }

    fn vm_close(&self, _: &Pages) {
        *self.areas.lock() -= 1;
    }
}
