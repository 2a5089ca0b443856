//! The machine's devices: their drivers, and the disk to swap to.

use core::ffi::CStr;

use abi::PAGE_SIZE;
use abi::boot::DRIVERS_DIR;
use abi::linux::errno::ENOENT;
use abi::linux::syscall::{O_RDONLY, O_RDWR, SEEK_END};
use guest_user::syscall::{Errno, file, module};

use crate::{Failure, failed};

/// The first device of virtio that tables of the firmware name.
const FIRST_DEVICE: &CStr = c"/sys/bus/acpi/devices/LNRO0005:00";
/// Most drivers in the archive, whose names have two digits.
const MOST_DRIVERS: u8 = 100;
/// Room for the path of one of them, and its NUL.
const PATH_BYTES: usize = 16;
const DISK: &CStr = c"/dev/vda";

/// Bytes of a page.
const PAGE_BYTES: usize = PAGE_SIZE as usize;
/// What makes a disk one to swap to, in its first page (Linux `include/linux/swap.h`, `union swap_header`): the version of what follows and the number of
/// the last page, and at the page's end a word.
const VERSION_AT: usize = 1024;
const LAST_PAGE_AT: usize = 1028;
const VERSION: u32 = 1;
const SWAP_WORD: &[u8] = b"SWAPSPACE2";

/// Loads the drivers in the archive, if the machine has devices for them.
pub(crate) fn load_drivers() -> Result<(), Failure> {
    if !exists(FIRST_DEVICE) {
        return Ok(());
    }
    for number in 0..MOST_DRIVERS {
        let mut path = [0; PATH_BYTES];
        let digits = [b'0' + number / 10, b'0' + number % 10];
        let words = [b"/", DRIVERS_DIR.as_bytes(), b"/", &digits];
        let bytes = words.into_iter().flatten();
        path.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        let path = CStr::from_bytes_until_nul(&path).expect("a path is shorter than its place");
        match load(path) {
            Ok(()) => {}
            Err(Errno(ENOENT)) => break,
            Err(errno) => return Err(failed(c"a driver of the machine's devices")(errno)),
        }
    }
    Ok(())
}

fn load(path: &CStr) -> Result<(), Errno> {
    let driver = file::open(path, O_RDONLY)?;
    let loaded = module::load_file(driver, c"");
    file::close(driver)?;
    loaded
}

/// Has the kernel swap to the disk, if there is one. It is empty, so it is made into one to swap to.
pub(crate) fn swap_to_disk() -> Result<(), Failure> {
    if !exists(DISK) {
        return Ok(());
    }
    make_swap()
        .and_then(|()| file::swap_to(DISK))
        .map_err(failed(DISK))
}

fn make_swap() -> Result<(), Errno> {
    let disk = file::open(DISK, O_RDWR)?;
    let pages = file::seek(disk, 0, SEEK_END)? / PAGE_SIZE;
    let last_page = u32::try_from(pages.saturating_sub(1)).unwrap_or(u32::MAX);
    let mut header = [0; PAGE_BYTES];
    header[VERSION_AT..LAST_PAGE_AT].copy_from_slice(&VERSION.to_le_bytes());
    header[LAST_PAGE_AT..LAST_PAGE_AT + 4].copy_from_slice(&last_page.to_le_bytes());
    header[PAGE_BYTES - SWAP_WORD.len()..].copy_from_slice(SWAP_WORD);
    let written = file::write_at(disk, &header, 0);
    file::close(disk)?;
    written.map(drop)
}

fn exists(path: &CStr) -> bool {
    file::open(path, O_RDONLY).and_then(file::close).is_ok()
}
