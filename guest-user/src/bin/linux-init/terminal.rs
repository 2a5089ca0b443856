//! Where programs print: the second serial port, to which the kernel's log does not go.

use core::ffi::CStr;

use abi::linux::syscall::O_RDWR;
use guest_user::syscall::{Errno, file};

use crate::{Failure, failed};

const TERMINAL: &CStr = c"/dev/ttyS1";
/// Descriptors of the standard streams.
const STREAMS: [i32; 3] = [0, 1, 2];

/// ioctl: sets the mode of a terminal (`asm-generic/ioctls.h`).
const TCSETS: u32 = 0x5402;
/// Modes of the line (`asm-generic/termbits.h`): 115200 bits a second, 8 bits, receiver on, no modem.
const B115200: u32 = 0x1002;
const CS8: u32 = 0x30;
const CREAD: u32 = 0x80;
const CLOCAL: u32 = 0x800;
/// In the control characters: how many bytes a read waits for.
const VMIN: usize = 6;

/// `struct termios` (`asm-generic/termbits.h`).
#[repr(C)]
struct Termios {
    input: u32,
    output: u32,
    control: u32,
    local: u32,
    line: u8,
    characters: [u8; 19],
}

const _: () = assert!(size_of::<Termios>() == 36);

/// Makes it the standard input, output and error of this process and of all that follow.
pub(crate) fn use_for_output() -> Result<(), Failure> {
    let terminal = file::open(TERMINAL, O_RDWR).map_err(failed(TERMINAL))?;
    pass_bytes_unchanged(terminal).map_err(failed(TERMINAL))?;
    for stream in STREAMS {
        file::duplicate(terminal, stream).map_err(failed(TERMINAL))?;
    }
    if STREAMS.contains(&terminal) {
        return Ok(());
    }
    file::close(terminal).map_err(failed(TERMINAL))
}

/// Otherwise a terminal puts a carriage return before each newline.
#[allow(unsafe_code, reason = "the mode of a terminal is a structure")]
fn pass_bytes_unchanged(terminal: i32) -> Result<(), Errno> {
    let mut characters = [0; 19];
    characters[VMIN] = 1;
    let mode = Termios {
        input: 0,
        output: 0,
        control: B115200 | CS8 | CREAD | CLOCAL,
        local: 0,
        line: 0,
        characters,
    };
    // SAFETY: the kernel only reads the mode.
    unsafe { file::ioctl(terminal, TCSETS, &raw const mode as u64) }.map(drop)
}
