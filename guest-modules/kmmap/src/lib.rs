//! `/dev/kmmap`: memory in a row of frames, which a program maps all at once.
//!
//! The area starts with the first whole page of what `kmalloc` gives, so two pages more are asked for than it has.
//!
//! # Why are the pages reserved?
//!
//! A page that programs map must stay in its frame: a translation that a program has, or a device that knows the frame's number, does
//! not notice when the page moves, and whoever gets the frame next shares it with them. The mark says so to everybody who deals in
//! frames. Swap leaves such a page alone, and a page that is given back with the mark on it is not handed out again: it is lost,
//! and the log says so. (Today's Linux would not swap these pages anyway: it follows pages by lists that a driver's memory is not
//! on, and marks the whole area instead, `VM_PFNMAP`.) Modules take the mark away before they give the memory back.
//!
//! `modules/reserved-under-pressure` shows that a program's own pages go to the disk when memory is full, and these do not.
//! `modules/kmmap` demands that each frame is marked while it is mapped, and that none is lost at the end, which a kernel with the
//! deliberate fault `reservation-stays` fails.

#![no_std]

use abi::samples::{KMMAP_PAGES, MARK};
use kmod::file::{Area, Chrdev, FileOperations};
use kmod::{Errno, Kmalloc, Lock, Memory, PAGE_SIZE, module};

module! {
    name: "kmmap",
    init: init,
    exit: exit,
}

const PAGES: usize = KMMAP_PAGES as usize;

static DEVICE: Lock<Option<Chrdev<Kmmap>>> = Lock::new(None);

struct Kmmap {
    memory: Kmalloc,
    /// The first whole page of the memory.
    first: usize,
}

fn init() -> Result<(), Errno> {
    let device = Chrdev::register(&THIS_MODULE, "kmmap", Kmmap::new()?)?;
    let Kmmap { memory, first } = device.driver();
    THIS_MODULE.offer(memory, *first..first + PAGES);
    *DEVICE.lock() = Some(device);
    Ok(())
}

fn exit() {
    *DEVICE.lock() = None;
}

impl Kmmap {
    fn new() -> Result<Self, Errno> {
        let mut memory = Kmalloc::new((PAGES + 2) * PAGE_SIZE)?;
        let in_page = memory.physical_address() as usize % PAGE_SIZE;
        let first = in_page.div_ceil(PAGE_SIZE);
        let before = first * PAGE_SIZE - in_page;
        for page in memory.bytes_mut()[before..]
            .chunks_exact_mut(PAGE_SIZE)
            .take(PAGES)
        {
            page[..MARK.len()].copy_from_slice(&MARK);
        }
        memory.set_reserved();
        Ok(Self { memory, first })
    }
}

impl Drop for Kmmap {
    fn drop(&mut self) {
        self.memory.clear_reserved();
    }
}

impl FileOperations for Kmmap {
    type Open = ();

    fn open(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// As long as the area or shorter, and from its start.
    fn mmap(&self, (): &(), area: &mut Area<'_, Self>) -> Result<(), Errno> {
        if area.pages() > KMMAP_PAGES {
            return Err(Errno::EIO);
        }
        if area.first_page() != 0 {
            return Err(Errno::EINVAL);
        }
        area.remap(0, self.memory.pfn(self.first), area.pages())
    }
}
