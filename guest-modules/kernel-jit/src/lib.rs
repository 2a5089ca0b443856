//! `/dev/JIT`: takes a function over from a program, and runs it in the kernel.
//!
//! ```text
//!   writable ──read-only──> executable ──(not executable, writable)──> writable
//!      │ load                   │ execute                                  │ load
//! ```
//!
//! The page is never writable and executable at once. A function that faults ends the program that asked for it, and nothing else; one
//! that never returns keeps the processor, as it would on Linux, and the budget of the run ends that. A result below 0 is an error
//! number to whoever called ioctl.
//!
//! # Why read-only before executable, and not executable before writable?
//!
//! Because the order leaves no moment at which the page is both. Whoever can store to a page that the processor executes in the
//! kernel's name owns the kernel: one stray store, or a second mapping that was forgotten, is enough. So the right that goes is taken
//! before the one that comes is given, in the page's own mapping and in its alias in the direct map, and no cached translation
//! is left. `modules/kernel-jit` and `modules/jit-race` go through the states while the judge looks at every change, at all
//! aliases; `modules/memory` asks for the shorter ways, which are refused with EPERM. Kernels with the deliberate faults
//! `module-alias-writable` and `protection-stale-tlb` show what a forgotten alias and a forgotten flush are worth.
//!
//! # Why does Linux no longer export `set_memory_*` to modules?
//!
//! Because a function that makes any page of the kernel writable or executable is all that an attacker needs: with it a module can
//! undo the protection of the kernel's code and constants, and so can whoever gets a module to call it with other arguments.
//! (A module that wants to run code that it makes has `execmem` and text poking today, which keep the rule themselves.) Here modules
//! have the functions, and they do less: they change pages that the module has been given, and nothing that somebody else has; what
//! would be writable and executable is refused; and a frame that programs map cannot become executable. `modules/device-errors`
//! shows that programs cannot have a frame that the kernel executes.
//!
//! # Why not `memcpy` from the program's address?
//!
//! The address is a number from a program. It may lie where nothing is, or in the kernel, and then `memcpy` stops the machine or
//! copies what is nobody's business. `modules/device-errors` gives such addresses, and a kernel with the deliberate fault
//! `user-memory-unchecked` dies of them.
//!
//! # Who may use it?
//!
//! Whoever may open the device can do whatever the kernel can, as whoever may load a module can: the kernel runs what it is given. Only
//! faults are caught.

#![no_std]

use abi::samples::{JIT_EXECUTE_FUNC, JIT_LOAD_FUNC, USER_FUNCTION_BYTES};
use kmod::file::{Chrdev, FileOperations};
use kmod::{Errno, Kmalloc, Lock, Memory, Mutex, PAGE_SIZE, call_guarded, module, user};

module! {
    name: "kernel_jit",
    init: init,
    exit: exit,
}

static DEVICE: Lock<Option<Chrdev<Jit>>> = Lock::new(None);

/// The device has one page for all who open it: who loads or executes has it alone, also while the function that is copied waits for
/// its page.
struct Jit(Mutex<Page>);

struct Page {
    memory: Kmalloc,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Writable: there is no function, or none as a whole.
    Empty,
    /// Writable: a function has been taken over.
    Loaded,
    /// Executable: it has been asked for.
    Executable,
}

fn init() -> Result<(), Errno> {
    let page = Page {
        memory: Kmalloc::new(PAGE_SIZE)?,
        state: State::Empty,
    };
    *DEVICE.lock() = Some(Chrdev::register(&THIS_MODULE, "JIT", Jit(Mutex::new(page)))?);
    Ok(())
}

fn exit() {
    *DEVICE.lock() = None;
}

impl FileOperations for Jit {
    type Open = ();

    fn open(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn ioctl(&self, (): &(), request: u32, argument: u64) -> Result<i32, Errno> {
        match request {
            JIT_LOAD_FUNC => self.0.lock()?.load(argument).map(|()| 0),
            JIT_EXECUTE_FUNC => self.0.lock()?.execute(),
            _ => Err(Errno::EINVAL),
        }
    }
}

impl Page {
    fn load(&mut self, argument: u64) -> Result<(), Errno> {
        let mut function = [0; USER_FUNCTION_BYTES];
        user::copy_from_user(&mut function, argument)?;
        let (address, len) = function.split_at(USER_FUNCTION_BYTES / 2);
        let word = |bytes: &[u8]| {
            bytes
                .iter()
                .rev()
                .fold(0_u64, |word, byte| word << 8 | u64::from(*byte))
        };
        let (address, len) = (word(address), word(len));
        if len == 0 || len > PAGE_SIZE as u64 {
            return Err(Errno::EINVAL);
        }
        self.make_writable()?;
        self.state = State::Empty;
        self.memory.copy_from_user(0, address, len as usize)?;
        self.state = State::Loaded;
        Ok(())
    }

    #[allow(
        unsafe_code,
        reason = "runs functions of programs in the kernel, which is what the device is for"
    )]
    fn execute(&mut self) -> Result<i32, Errno> {
        match self.state {
            State::Empty => return Err(Errno::EINVAL),
            State::Loaded => {
                self.memory.set_read_only()?;
                self.memory.set_executable()?;
                self.state = State::Executable;
            }
            State::Executable => {}
        }
        // SAFETY: whoever may open the device answers for its functions as for the kernel's, and bytes that are none fault or do what
        // they do as a function of the kernel's would.
        unsafe { call_guarded(&self.memory) }
    }

    fn make_writable(&mut self) -> Result<(), Errno> {
        if self.state == State::Executable {
            self.memory.set_not_executable()?;
            self.memory.set_writable()?;
        }
        Ok(())
    }
}

impl Drop for Page {
    /// The page goes back as it came. A refusal would leave it to the kernel, which does the same.
    fn drop(&mut self) {
        let _ = self.make_writable();
    }
}
