//! Files of modules: devices and files in `/proc` whose operations are a module's functions.
//!
//! **Invariant:** a module's functions are called while it is there. As long as somebody has a file of it open or mapped it is held,
//! and its names are gone when it is.

use alloc::rc::Rc;
use core::slice;

use abi::driver::{AreaTable, FileTable};
use abi::event;

use super::super::table::with_modules;
use super::code;
use crate::errno::Errno;
use crate::events::{self, NOBODY};
use crate::fs::{self, FileOperations, OpenFile};
use crate::mm::{
    FaultError, FrameNumber, FrameRef, MapOperations, NewArea, UserSlice, VirtAddr, check_lent, lend_frame,
    try_rc,
};
use crate::mutant::{self, Mutant};

/// A file whose operations are a module's.
#[derive(Debug)]
struct ModuleFile {
    /// The module, by an address in it.
    module: VirtAddr,
    table: FileTable,
    driver: *const u8,
}

impl FileOperations for ModuleFile {
    /// ENODEV when the module is about to go.
    fn open(&self, file: &OpenFile) -> Result<(), Errno> {
        with_modules(|modules| modules.hold(self.module)).map_err(|_| Errno::ENODEV)?;
        let mut word = 0;
        let opened = done((self.table.open)(self.driver, &raw mut word));
        match opened {
            Ok(()) => file.set_private(word),
            Err(_) => with_modules(|modules| modules.let_go(self.module)),
        }
        opened
    }

    fn release(&self, file: &OpenFile) {
        (self.table.release)(self.driver, file.private());
        with_modules(|modules| modules.let_go(self.module));
    }

    fn read(&self, file: &OpenFile, position: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        let (start, len) = (to.start(), to.len() as u64);
        count((self.table.read)(
            self.driver,
            file.private(),
            position,
            start,
            len,
        ))
    }

    fn write(&self, file: &OpenFile, position: &mut u64, from: UserSlice) -> Result<u64, Errno> {
        let (start, len) = (from.start(), from.len() as u64);
        count((self.table.write)(
            self.driver,
            file.private(),
            position,
            start,
            len,
        ))
    }

    fn ioctl(&self, file: &OpenFile, request: u32, argument: u64) -> Result<u64, Errno> {
        count((self.table.ioctl)(self.driver, file.private(), request, argument))
    }

    fn mmap(&self, file: &OpenFile, area: &mut NewArea) -> Result<(), Errno> {
        let (first_page, pages) = (area.first_page(), area.pages());
        let area = core::ptr::from_mut(area).cast();
        done((self.table.mmap)(
            self.driver,
            file.private(),
            area,
            first_page,
            pages,
        ))
    }
}

/// Areas about which a module is asked.
#[derive(Debug)]
struct ModuleAreas {
    table: AreaTable,
    driver: *const u8,
    word: u64,
}

impl MapOperations for ModuleAreas {
    fn fault(&self, page: u64) -> Result<FrameRef, FaultError> {
        let mut pfn = 0;
        let found = (self.table.fault)(self.driver, self.word, page, &raw mut pfn);
        done(found).map_err(|_| FaultError::NoPage)?;
        lend_frame(frame(pfn)).ok_or(FaultError::NoPage)
    }

    fn open(&self) {
        (self.table.open)(self.driver, self.word);
    }

    fn close(&self) {
        (self.table.close)(self.driver, self.word);
    }
}

pub(super) unsafe extern "C" fn register_chrdev(
    module: *const u8,
    name: *const u8,
    bytes: usize,
    table: *const FileTable,
    driver: *const u8,
) -> i32 {
    // SAFETY: the module says that its name and its table are there.
    let (name, operations) = unsafe { named(module, name, bytes, table, driver) };
    let major = operations.and_then(|operations| fs::register_chrdev(0, name, operations));
    major.map_or_else(|error| -error.number(), u32::cast_signed)
}

pub(super) unsafe extern "C" fn unregister_chrdev(major: u32, name: *const u8, bytes: usize) {
    // SAFETY: the module says that so much text is there.
    let name = unsafe { slice::from_raw_parts(name, bytes) };
    gone(name, fs::unregister_chrdev(major, name));
}

pub(super) unsafe extern "C" fn proc_create(
    module: *const u8,
    name: *const u8,
    bytes: usize,
    table: *const FileTable,
    driver: *const u8,
) -> i32 {
    // SAFETY: as in `register_chrdev`.
    let (name, operations) = unsafe { named(module, name, bytes, table, driver) };
    let created = operations.and_then(|operations| fs::proc_create(name, operations));
    code(created)
}

pub(super) unsafe extern "C" fn remove_proc_entry(name: *const u8, bytes: usize) {
    // SAFETY: the module says that so much text is there.
    let name = unsafe { slice::from_raw_parts(name, bytes) };
    gone(name, fs::remove_proc_entry(name));
}

pub(super) unsafe extern "C" fn remap_pfn_range(area: *mut u8, page: u64, pfn: u64, pages: u64) -> i32 {
    // SAFETY: the module hands back the area that its `mmap` was called with, during that call.
    let area = unsafe { &mut *area.cast::<NewArea>() };
    code(remap(area, page, pfn, pages))
}

fn remap(area: &mut NewArea, page: u64, pfn: u64, pages: u64) -> Result<(), Errno> {
    let first = frame(pfn);
    let count = u32::try_from(pages)
        .ok()
        .filter(|_| pages <= area.pages())
        .ok_or(Errno::EINVAL)?;
    for index in 0..count {
        check_lent(first.checked_plus(index).ok_or(Errno::EINVAL)?)?;
    }
    let count = match count {
        2.. if mutant::is(Mutant::RemapPageShort) => count - 1,
        all => all,
    };
    let protection = area.protection();
    area.remap(page, first, count, protection)
}

pub(super) unsafe extern "C" fn set_vm_ops(
    area: *mut u8,
    table: *const AreaTable,
    driver: *const u8,
    word: u64,
) -> i32 {
    // SAFETY: as in `remap_pfn_range`.
    let area = unsafe { &mut *area.cast::<NewArea>() };
    // SAFETY: the module says that its table is there.
    let table = unsafe { *table };
    let operations = try_rc(ModuleAreas { table, driver, word });
    code(
        operations
            .map(|operations| area.set_operations(operations))
            .map_err(Errno::from),
    )
}

pub(super) unsafe extern "C" fn offer_pages(module: *const u8, address: *const u8, pages: usize) {
    let name = with_modules(|modules| modules.name_at(VirtAddr::new(module as u64)));
    if let Some(name) = name {
        let [low, high] = name.in_words();
        let arguments = [address as u64, pages as u64, low, high];
        events::send(event::PAGES_OFFERED, NOBODY, arguments);
    }
}

/// What a module registers.
///
/// # Safety
///
/// So many bytes of text and the table are there.
unsafe fn named<'a>(
    module: *const u8,
    name: *const u8,
    bytes: usize,
    table: *const FileTable,
    driver: *const u8,
) -> (&'a [u8], Result<Rc<dyn FileOperations>, Errno>) {
    // SAFETY: the caller says so.
    let name = unsafe { slice::from_raw_parts(name, bytes) };
    // SAFETY: as above.
    let table = unsafe { *table };
    let file = try_rc(ModuleFile {
        module: VirtAddr::new(module as u64),
        table,
        driver,
    });
    (
        name,
        file.map(|file| file as Rc<dyn FileOperations>)
            .map_err(Errno::from),
    )
}

/// A module that takes a file away under its users would be called when it is not there any more.
fn gone(name: &[u8], result: Result<(), Errno>) {
    if let Err(error) = result {
        panic!(
            "a module takes away its file {}, which cannot be: {error}",
            name.escape_ascii()
        );
    }
}

/// A number too large for a frame becomes one that is no module's.
fn frame(pfn: u64) -> FrameNumber {
    FrameNumber::new(u32::try_from(pfn).unwrap_or(u32::MAX))
}

fn done(result: i32) -> Result<(), Errno> {
    if result < 0 {
        Err(Errno::from_number(result.unsigned_abs()))
    } else {
        Ok(())
    }
}

fn count(result: i64) -> Result<u64, Errno> {
    u64::try_from(result).map_err(|_| Errno::from_number(u32::try_from(result.unsigned_abs()).unwrap_or(0)))
}
