//! The functions of a driver as the kernel calls them.
//!
//! The kernel gives each the address of the driver that it was registered with, and the word that `open` has set: both are there
//! as long as somebody has the file open or mapped, because a module cannot be removed before.
#![allow(
    unsafe_code,
    reason = "turns addresses that the kernel gives back into what they are"
)]

use abi::driver::{AreaTable, FileTable};

use super::{Area, FaultHandler, FileOperations};
use crate::Errno;
use crate::boxed::Boxed;

/// The table of a driver.
pub(super) const fn file<D: FileOperations>() -> FileTable {
    FileTable {
        open: open::<D>,
        release: release::<D>,
        read: read::<D>,
        write: write::<D>,
        ioctl: ioctl::<D>,
        mmap: mmap::<D>,
    }
}

/// The table of a driver's areas.
pub(super) const fn area<D: FaultHandler>() -> AreaTable {
    AreaTable {
        fault: fault::<D>,
        open: area_open::<D>,
        close: area_close::<D>,
    }
}

extern "C" fn open<D: FileOperations>(driver: *const u8, word: *mut u64) -> i32 {
    let opened = driver_at::<D>(driver).open().and_then(Boxed::new);
    // SAFETY: the kernel has room for a word there.
    done(opened.map(|opened| unsafe { word.write(opened.leave()) }))
}

extern "C" fn release<D: FileOperations>(driver: *const u8, word: u64) {
    // SAFETY: `open` has left it there, and the kernel releases a file once.
    let opened = unsafe { Boxed::<D::Open>::adopt(word) };
    driver_at::<D>(driver).release(opened.into_inner());
}

extern "C" fn read<D: FileOperations>(
    driver: *const u8,
    word: u64,
    position: *mut u64,
    to: u64,
    bytes: u64,
) -> i64 {
    // SAFETY: the position is the kernel's, which leaves it to the driver for the time of the call.
    let position = unsafe { &mut *position };
    let moved = driver_at::<D>(driver).read(open_at::<D>(&word), position, to, bytes as usize);
    count(moved)
}

extern "C" fn write<D: FileOperations>(
    driver: *const u8,
    word: u64,
    position: *mut u64,
    from: u64,
    bytes: u64,
) -> i64 {
    // SAFETY: as in `read`.
    let position = unsafe { &mut *position };
    let moved = driver_at::<D>(driver).write(open_at::<D>(&word), position, from, bytes as usize);
    count(moved)
}

extern "C" fn ioctl<D: FileOperations>(driver: *const u8, word: u64, request: u32, argument: u64) -> i64 {
    let result = driver_at::<D>(driver).ioctl(open_at::<D>(&word), request, argument);
    result.map_or_else(|error| -i64::from(error.number()), i64::from)
}

extern "C" fn mmap<D: FileOperations>(
    driver: *const u8,
    word: u64,
    area: *mut u8,
    first_page: u64,
    pages: u64,
) -> i32 {
    let mut area = Area::new(area, driver, word, first_page, pages);
    done(driver_at::<D>(driver).mmap(open_at::<D>(&word), &mut area))
}

extern "C" fn fault<D: FaultHandler>(driver: *const u8, word: u64, page: u64, pfn: *mut u64) -> i32 {
    let found = driver_at::<D>(driver).fault(open_at::<D>(&word), page);
    // SAFETY: the kernel has room for a number there.
    done(found.map(|found| unsafe { pfn.write(found) }))
}

extern "C" fn area_open<D: FaultHandler>(driver: *const u8, word: u64) {
    driver_at::<D>(driver).vm_open(open_at::<D>(&word));
}

extern "C" fn area_close<D: FaultHandler>(driver: *const u8, word: u64) {
    driver_at::<D>(driver).vm_close(open_at::<D>(&word));
}

fn driver_at<'a, D>(driver: *const u8) -> &'a D {
    // SAFETY: the kernel gives back the address of the driver that was registered with this table, and it is there.
    unsafe { &*driver.cast::<D>() }
}

fn open_at<D: FileOperations>(word: &u64) -> &D::Open {
    // SAFETY: `open` has left a value of this type there, and `release` has not been called.
    unsafe { &*(*word as *const D::Open) }
}

fn done(result: Result<(), Errno>) -> i32 {
    result.map_or_else(|error| -error.number(), |()| 0)
}

fn count(moved: Result<usize, Errno>) -> i64 {
    moved.map_or_else(|error| -i64::from(error.number()), |count| count as i64)
}
