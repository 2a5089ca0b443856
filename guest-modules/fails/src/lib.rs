//! A module that takes memory and then refuses to be loaded: what it took goes back, and so does the module itself.

#![no_std]

use kmod::{Errno, Kmalloc, Memory, PAGE_SIZE, Pages, Vmalloc, log, module};

module! {
    name: "fails",
    init: init,
    exit: exit,
}

fn init() -> Result<(), Errno> {
    let _small = Kmalloc::new(100)?;
    let mut row = Kmalloc::new(3 * PAGE_SIZE)?;
    row.set_read_only()?;
    let mut code = Vmalloc::new(2)?;
    code.set_read_only()?;
    code.set_executable()?;
    let _pages = Pages::new(2)?;
    log!("fails: refuses to be loaded");
    Err(Errno::EBUSY)
}

fn exit() {
    log!("fails: exit, though it was never loaded");
}
