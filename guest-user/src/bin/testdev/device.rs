//! The device and the file that controls it.
#![allow(unsafe_code, reason = "ioctl may do anything to memory")]

use core::ffi::CStr;

use abi::linux::mman::{PROT_READ, PROT_WRITE};
use abi::linux::syscall::O_RDWR;
use abi::testdev::{FILL, PAGES};
use abi::{PAGE_SIZE, testdev};
use guest_user::syscall::{Errno, Outcome, file};
use guest_user::{Span, lines, println};

pub(crate) const PATH: &CStr = c"/dev/testdev";
pub(crate) const PROC_PATH: &CStr = c"/proc/testdev-memory";
const CONTROL_PATH: &CStr = c"/proc/testdev";

pub(crate) const READ_WRITE: u64 = PROT_READ | PROT_WRITE;
/// Offsets in bytes of the three ways in which the memory is mapped.
pub(crate) const AT_ONCE: u64 = 0;
pub(crate) const SCATTERED: u64 = testdev::SCATTERED * PAGE_SIZE;
pub(crate) const ON_FAULT: u64 = testdev::ON_FAULT * PAGE_SIZE;
pub(crate) const MEMORY_BYTES: u64 = PAGES * PAGE_SIZE;

/// Longest line of files that are shown.
pub(crate) const LINE_BYTES: usize = 128;

/// A descriptor of the device.
#[derive(Clone, Copy)]
pub(crate) struct Device(pub(crate) i32);

impl Device {
    pub(crate) fn opened() -> Self {
        Self(file::open(PATH, O_RDWR).expect("open of the device"))
    }

    pub(crate) fn close(self) {
        file::close(self.0).expect("close of the device");
    }

    pub(crate) fn map(self, offset_bytes: u64, len_bytes: u64, prot: u64, flags: u64) -> Result<Span, Errno> {
        Span::map_file(self.0, offset_bytes, len_bytes, prot, flags)
    }

    /// What the kernel sees at the start of a page.
    pub(crate) fn byte_of_page(self, page: u64) -> u8 {
        let mut byte = [0];
        file::read_at(self.0, &mut byte, page * PAGE_SIZE).expect("pread of the device");
        byte[0]
    }

    /// The kernel stores at the start of a page.
    pub(crate) fn set_byte_of_page(self, page: u64, byte: u8) {
        file::write_at(self.0, &[byte], page * PAGE_SIZE).expect("pwrite to the device");
    }

    pub(crate) fn fill(self, page: u64, byte: u8) -> Result<u64, Errno> {
        let words = [page, u64::from(byte)];
        self.ioctl(FILL, words.as_ptr() as u64)
    }

    pub(crate) fn ioctl(self, request: u32, argument: u64) -> Result<u64, Errno> {
        // SAFETY: the device's requests change no memory of the program, nor do those that it refuses.
        unsafe { file::ioctl(self.0, request, argument) }
    }
}

/// Has the driver do something.
pub(crate) fn command(command: &str) -> Outcome {
    let control = file::open(CONTROL_PATH, O_RDWR).expect("open of the control file");
    let result = file::write(control, command.as_bytes());
    file::close(control).expect("close of the control file");
    result.into()
}

/// What the driver has been asked for so far.
pub(crate) fn show_counts(when: &str) {
    println!("{when}:");
    let show = |line: &[u8]| println!("  {}", line.escape_ascii());
    lines::for_each::<LINE_BYTES>(CONTROL_PATH, show).expect("read of the control file");
}
