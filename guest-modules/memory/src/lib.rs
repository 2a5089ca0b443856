//! A module that has memory of every kind, under every protection, from its init to its exit.
//!
//! It is loaded if all of it behaves as it should; otherwise the log says what does not. Its device, `/dev/module-memory`, tries to lend
//! programs memory that they must not have: see [`abi::samples::Lent`]. Any ioctl of it stores to memory that has just become
//! read-only, which ends the program that asked.

#![no_std]

use core::mem;

use abi::samples::Lent;
use kmod::file::{Area, Chrdev, FaultHandler, FileOperations};
use kmod::{Errno, Hold, Kmalloc, Lock, Memory, PAGE_SIZE, Pages, Vmalloc, call_guarded, log, module};

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
    constants: Kmalloc,
    code: Kmalloc,
    _mapped_code: Vmalloc,
    trial: Lock<Trial>,
    reserved: Pages,
}

static KEPT: Lock<Option<Chrdev<Kept>>> = Lock::new(None);

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
    let trial = Lock::new(Trial::new()?);
    fact(
        "a held module knows itself",
        THIS_MODULE.hold().map(|_: Hold| ()).is_some(),
    )?;

    let kept = Kept {
        _small: small,
        constants,
        code,
        _mapped_code: mapped_code,
        trial,
        reserved,
    };
    // From here on whatever fails takes the marks away again.
    kept.reserved.set_reserved();
    *KEPT.lock() = Some(Chrdev::register(&THIS_MODULE, "module-memory", kept)?);
    Ok(())
}

fn exit() {
    *KEPT.lock() = None;
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.reserved.clear_reserved();
    }
}

impl Kept {
    /// The frame that a page of the device stands for.
    fn pfn(&self, page: u64) -> Result<u64, Errno> {
        Ok(match Lent::try_from(page).map_err(|()| Errno::EINVAL)? {
            Lent::Writable => self.reserved.pfn(0),
            Lent::ReadOnly => self.constants.pfn(0),
            Lent::Executable => self.code.pfn(0),
            Lent::NoModules => 0,
            Lent::NoFrame => u64::MAX,
        })
    }
}

/// A function that stores to a page.
struct Trial {
    target: Kmalloc,
    code: Kmalloc,
}

impl Trial {
    fn new() -> Result<Self, Errno> {
        let target = Kmalloc::new(PAGE_SIZE)?;
        let mut code = Kmalloc::new(PAGE_SIZE)?;
        // mov rax, ADDRESS; mov byte [rax], 2; ret
        let parts: [&[u8]; 3] = [
            &[0x48, 0xb8],
            &(target.page(0) as u64).to_le_bytes(),
            &[0xc6, 0x00, 2, 0xc3],
        ];
        let bytes = parts.into_iter().flatten();
        code.bytes_mut()
            .iter_mut()
            .zip(bytes)
            .for_each(|(place, byte)| *place = *byte);
        code.set_read_only()?;
        code.set_executable()?;
        Ok(Self { target, code })
    }

    #[allow(unsafe_code, reason = "calls what was data")]
    fn store_to_read_only(&mut self) -> Result<i32, Errno> {
        self.target.set_writable()?;
        // Now the processor knows that it may write there.
        self.target.bytes_mut()[0] = 1;
        self.target.set_read_only()?;
        // SAFETY: the bytes are a function of that type, which stores to our page and calls nothing.
        unsafe { call_guarded(&self.code) }
    }
}

impl FileOperations for Kept {
    type Open = ();

    fn open(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn ioctl(&self, (): &(), _: u32, _: u64) -> Result<i32, Errno> {
        self.trial.lock().store_to_read_only()
    }

    /// One page is there at once; two are asked for.
    fn mmap(&self, (): &(), area: &mut Area<'_, Self>) -> Result<(), Errno> {
        if area.pages() == 1 {
            area.remap(0, self.pfn(area.first_page())?, 1)
        } else {
            area.use_faults()
        }
    }
}

impl FaultHandler for Kept {
    fn fault(&self, (): &(), page: u64) -> Result<u64, Errno> {
        self.pfn(page)
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
