//! `/dev/JIT`: takes a function over from a program, and runs it in the kernel.
//!
//! ```text
//!   writable ──read-only──> executable ──(not executable, writable)──> writable
//!      │ load                   │ execute                                  │ load
//! ```
//!
//! The page is never writable and executable at once. A function that faults ends the program that asked for it, and nothing else.

#![no_std]

use abi::samples::{JIT_EXECUTE_FUNC, JIT_LOAD_FUNC, USER_FUNCTION_BYTES};
use kmod::file::{Chrdev, FileOperations};
use kmod::{Errno, Kmalloc, Lock, Memory, PAGE_SIZE, call_guarded, module, user};

module! {
    name: "kernel_jit",
    init: init,
    exit: exit,
}

static DEVICE: Lock<Option<Chrdev<Jit>>> = Lock::new(None);

/// The device has one page for all who open it.
struct Jit(Lock<Page>);

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
    *DEVICE.lock() = Some(Chrdev::register(&THIS_MODULE, "JIT", Jit(Lock::new(page)))?);
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
            JIT_LOAD_FUNC => self.0.lock().load(argument).map(|()| 0),
            JIT_EXECUTE_FUNC => self.0.lock().execute(),
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
        call_guarded(&self.memory)
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
