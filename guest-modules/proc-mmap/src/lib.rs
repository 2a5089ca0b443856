//! `/proc/lkmc_mmap`: each open has a page of its own, which can be read, written and mapped. A program that maps it gets the page
//! with its first access.
//!
//! # Why does `virt_to_phys` in the kernel give another address than `/proc/PID/pagemap`?
//!
//! Because it is asked about something else. What the module keeps for an open file is a small record in the kernel's heap, and
//! the record leads to the page that programs map. The physical address of the record says where the record is. Asked about the
//! page, `virt_to_phys` agrees with pagemap: a frame has one number, however many addresses lead to it. The scenario
//! `modules/proc-mmap` shows both, and the judge holds pagemap and the module's page against the page tables.

#![no_std]

use abi::samples::{
    PHYSICAL_ADDRESSES_BYTES, PROC_MMAP_ADDRESSES, PROC_MMAP_AREAS, PROC_MMAP_BYTES, PROC_MMAP_TEXT,
};
use kmod::file::{Area, FaultHandler, FileOperations, ProcFile};
use kmod::{Errno, Lock, Memory, Pages, log, module, user, virt_to_phys};

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

/// What the module keeps for an open file.
struct Record {
    page: Pages,
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
    type Open = Record;

    fn open(&self) -> Result<Record, Errno> {
        log!("open");
        let mut page = Pages::new(1)?;
        page.bytes_mut()[..PROC_MMAP_BYTES].copy_from_slice(&PROC_MMAP_TEXT);
        THIS_MODULE.offer(&page, 0..1);
        Ok(Record { page })
    }

    fn release(&self, record: Record) {
        log!("release: {} areas are left", *self.areas.lock());
        drop(record);
    }

    fn read(&self, record: &Record, position: &mut u64, to: u64, bytes: usize) -> Result<usize, Errno> {
        let start = usize::try_from(*position).map_or(PROC_MMAP_BYTES, |start| start.min(PROC_MMAP_BYTES));
        let count = bytes.min(PROC_MMAP_BYTES - start);
        record.page.copy_to_user(start, to, count)?;
        *position += count as u64;
        Ok(count)
    }

    /// Always from the start, and says that all was written, though nothing behind the first bytes is.
    fn write(&self, record: &Record, _: &mut u64, from: u64, bytes: usize) -> Result<usize, Errno> {
        record.page.copy_from_user(0, from, bytes.min(PROC_MMAP_BYTES))?;
        Ok(bytes)
    }

    fn ioctl(&self, record: &Record, request: u32, argument: u64) -> Result<i32, Errno> {
        match request {
            PROC_MMAP_AREAS => Ok((*self.areas.lock()).cast_signed()),
            PROC_MMAP_ADDRESSES => Self::tell_addresses(record, argument),
            _ => Err(Errno::ENOTTY),
        }
    }

    fn mmap(&self, record: &Record, area: &mut Area<'_, Self>) -> Result<(), Errno> {
        if area.first_page() != 0 || area.pages() != 1 {
            return Err(Errno::EINVAL);
        }
        area.use_faults()?;
        self.vm_open(record);
        Ok(())
    }
}

impl ProcMmap {
    fn tell_addresses(record: &Record, to: u64) -> Result<i32, Errno> {
        let addresses = [virt_to_phys(record), record.page.physical_address()];
        let mut bytes = [0; PHYSICAL_ADDRESSES_BYTES];
        let (record, page) = bytes.split_at_mut(PHYSICAL_ADDRESSES_BYTES / 2);
        record.copy_from_slice(&addresses[0].to_ne_bytes());
        page.copy_from_slice(&addresses[1].to_ne_bytes());
        user::copy_to_user(to, &bytes)?;
        Ok(0)
    }
}

impl FaultHandler for ProcMmap {
    fn fault(&self, record: &Record, _: u64) -> Result<u64, Errno> {
        Ok(record.page.pfn(0))
    }

    fn vm_open(&self, _: &Record) {
        *self.areas.lock() += 1;
    }

    fn vm_close(&self, _: &Record) {
        *self.areas.lock() -= 1;
    }
}
