//! The device that has the kernel run functions of a program's.
#![allow(unsafe_code, reason = "ioctl may do anything to memory")]

use abi::linux::syscall::O_RDWR;
use abi::samples::{JIT_EXECUTE_FUNC, JIT_LOAD_FUNC, UserFunction};

use crate::syscall::{Errno, file};

/// `/dev/JIT`, open.
#[derive(Clone, Copy, Debug)]
pub struct Jit {
    /// Its number.
    pub fd: i32,
}

impl Jit {
    /// Opens the device; ENOENT without its module.
    pub fn open() -> Result<Self, Errno> {
        file::open(c"/dev/JIT", O_RDWR).map(|fd| Self { fd })
    }

    /// Hands a function over: machine code that stores to nothing of the program's.
    pub fn load(self, function: &[u8]) -> Result<(), Errno> {
        self.load_at(function.as_ptr() as u64, function.len() as u64)
    }

    /// The same, from addresses at which there need be nothing.
    pub fn load_at(self, address: u64, len_bytes: u64) -> Result<(), Errno> {
        let function = UserFunction { address, len_bytes };
        self.load_as_told_at(&raw const function as u64)
    }

    /// The same, with the structure at an address at which there need be none.
    pub fn load_as_told_at(self, address: u64) -> Result<(), Errno> {
        // SAFETY: the device reads what it is told, and writes nothing.
        unsafe { file::ioctl(self.fd, JIT_LOAD_FUNC, address) }.map(drop)
    }

    /// Has the function run, and gives its result.
    pub fn execute(self) -> Result<u64, Errno> {
        // SAFETY: what the function stores to is the business of whoever has loaded it, as with `/proc/self/mem`.
        unsafe { file::ioctl(self.fd, JIT_EXECUTE_FUNC, 0) }
    }

    /// Closes the device.
    ///
    /// # Panics
    ///
    /// When it is not open.
    pub fn close(self) {
        file::close(self.fd).expect("close of the device");
    }
}
