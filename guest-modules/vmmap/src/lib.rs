//! `/dev/vmmap`: memory on frames from anywhere, which a program maps page by page.
//!
//! Its addresses are in a row and its frames are not, so there is no one number from which the others follow: the module asks for
//! the frame behind each page. `modules/vmmap` demands that the frames are scattered, and that each page of the program is the
//! module's; a kernel with the deliberate fault `vmalloc-contiguous`, which counts on from the first frame, fails it. There are more
//! pages than one page table maps. Why they are reserved is told in `kmmap`.

#![no_std]

use abi::samples::{MARK, VMMAP_PAGES};
use kmod::file::{Area, Chrdev, FileOperations};
use kmod::{Errno, Lock, Memory, PAGE_SIZE, Vmalloc, module};

module! {
    name: "vmmap",
    init: init,
    exit: exit,
}

const PAGES: usize = VMMAP_PAGES as usize;

static DEVICE: Lock<Option<Chrdev<Vmmap>>> = Lock::new(None);

struct Vmmap(Vmalloc);

fn init() -> Result<(), Errno> {
    let device = Chrdev::register(&THIS_MODULE, "vmmap", Vmmap::new()?)?;
    THIS_MODULE.offer(&device.driver().0, 0..PAGES);
    *DEVICE.lock() = Some(device);
    Ok(())
}

fn exit() {
    *DEVICE.lock() = None;
}

impl Vmmap {
    fn new() -> Result<Self, Errno> {
        let mut memory = Vmalloc::new(PAGES)?;
        for page in memory.bytes_mut().chunks_exact_mut(PAGE_SIZE) {
            page[..MARK.len()].copy_from_slice(&MARK);
        }
        memory.set_reserved();
        Ok(Self(memory))
    }
}

impl Drop for Vmmap {
    fn drop(&mut self) {
        self.0.clear_reserved();
    }
}

impl FileOperations for Vmmap {
    type Open = ();

    fn open(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// As long as the memory or shorter, and from its start.
    fn mmap(&self, (): &(), area: &mut Area<'_, Self>) -> Result<(), Errno> {
        if area.pages() > VMMAP_PAGES {
            return Err(Errno::EIO);
        }
        if area.first_page() != 0 {
            return Err(Errno::EINVAL);
        }
        (0..area.pages()).try_for_each(|page| area.remap(page, self.0.pfn(page as usize), 1))
    }
}
