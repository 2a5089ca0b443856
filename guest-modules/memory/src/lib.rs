//! A module that has memory of every kind, under every protection, from its init to its exit.
//!
//! It is loaded if all of it behaves as it should; otherwise the log says what does not.

#![no_std]

use core::mem;

use kmod::{Errno, Hold, Kmalloc, Lock, Memory, PAGE_SIZE, Pages, Vmalloc, log, module};

module! {
    name: "memory",
    init: init,
    exit: exit,
}

/// `mov eax, 42` and `ret`.
const FORTY_TWO: [u8; 6] = [0xb8, 42, 0, 0, 0, 0xc3];

/// What the module has while it is loaded.
struct Kept {
    _small: Kmalloc,
    _constants: Kmalloc,
    _code: Kmalloc,
    _mapped_code: Vmalloc,
    reserved: Pages,
}

static KEPT: Lock<Option<Kept>> = Lock::new(None);

fn init() -> Result<(), Errno> {
    let small = Kmalloc::new(100)?;
    fact("small memory is zero", small.bytes() == [0; 100])?;

    let mut constants = Kmalloc::new(2 * PAGE_SIZE)?;
    constants.bytes_mut()[PAGE_SIZE] = 7;
    constants.set_read_only()?;
    fact(
        "what is read-only keeps its bytes",
        constants.bytes()[PAGE_SIZE] == 7,
    )?;
    fact("rows are rows", constants.pfn(1) == constants.pfn(0) + 1)?;

    let mut code = Kmalloc::new(PAGE_SIZE)?;
    let result = run(&mut code)?;
    fact("code in a row runs", result == 42)?;
    let mut mapped_code = Vmalloc::new(3)?;
    let result = run(&mut mapped_code)?;
    fact("code that is mapped runs", result == 42)?;
    fact(
        "frames are each page's own",
        mapped_code.pfn(0) != mapped_code.pfn(1) && mapped_code.pfn(1) != mapped_code.pfn(2),
    )?;

    let reserved = Pages::new(3)?;
    reserved.set_reserved();
    fact(
        "a held module knows itself",
        THIS_MODULE.hold().map(|_: Hold| ()).is_some(),
    )?;

    *KEPT.lock() = Some(Kept {
        _small: small,
        _constants: constants,
        _code: code,
        _mapped_code: mapped_code,
        reserved,
    });
    Ok(())
}

fn exit() {
    if let Some(kept) = KEPT.lock().take() {
        kept.reserved.clear_reserved();
    }
}

/// Runs what was written, by way of read-only, after the kernel has refused all shorter ways.
#[allow(unsafe_code, reason = "calls what was data")]
fn run(memory: &mut impl Memory) -> Result<i32, Errno> {
    memory.bytes_mut()[..FORTY_TWO.len()].copy_from_slice(&FORTY_TWO);
    let refused = Err(Errno::EPERM);
    fact(
        "what is writable becomes no code",
        memory.set_executable() == refused,
    )?;
    memory.set_read_only()?;
    memory.set_executable()?;
    fact(
        "what is code becomes not writable",
        memory.set_writable() == refused,
    )?;
    // SAFETY: the bytes are a function of this type, and executable.
    let function: extern "C" fn() -> i32 = unsafe { mem::transmute(memory.bytes().as_ptr()) };
    let result = function();
    memory.set_not_executable()?;
    memory.set_writable()?;
    memory.set_read_only()?;
    memory.set_executable()?;
    Ok(result)
}

fn fact(what: &str, holds: bool) -> Result<(), Errno> {
    if holds {
        return Ok(());
    }
    log!("memory: not so: {what}");
    Err(Errno::EINVAL)
}
