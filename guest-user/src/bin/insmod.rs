//! Loads a module into the kernel.
#![no_std]
#![no_main]

use core::ffi::CStr;

use abi::linux::errno::{EEXIST, ENOENT, ENOEXEC, ENOMEM, EPERM};
use abi::linux::syscall::O_RDONLY;
use guest_user::syscall::{Errno, file, module};
use guest_user::{Arguments, eprintln, println, program};

program!(main);

const FAILURE_STATUS: i32 = 1;
const USAGE_STATUS: i32 = 2;
/// Longest parameters, with spaces between them and a NUL behind them.
const PARAMETER_BYTES: usize = 256;

fn main(arguments: Arguments) -> i32 {
    let Some(path) = arguments.c_str(1) else {
        eprintln!("insmod: which module? Try insmod --help");
        return USAGE_STATUS;
    };
    if path == c"--help" {
        println!("usage: insmod FILE [PARAMETER...]");
        println!("Loads the module in FILE into the kernel and hands it the parameters.");
        return 0;
    }
    let mut buffer = [0; PARAMETER_BYTES];
    let Some(parameters) = join(arguments, &mut buffer) else {
        eprintln!("insmod: parameters take more than {PARAMETER_BYTES} bytes");
        return USAGE_STATUS;
    };
    let file = path.to_bytes().escape_ascii();
    let fd = match file::open(path, O_RDONLY) {
        Ok(fd) => fd,
        Err(errno) => {
            eprintln!("insmod: cannot open {file}: {errno}");
            return FAILURE_STATUS;
        }
    };
    match module::load_file(fd, parameters) {
        Ok(()) => 0,
        Err(errno) => {
            eprintln!("insmod: cannot load {file}: {errno}: {}", meaning(errno));
            FAILURE_STATUS
        }
    }
}

fn meaning(Errno(errno): Errno) -> &'static str {
    match errno {
        EPERM => "only the superuser may",
        ENOEXEC => "it is no module for this kernel, whose log says why",
        ENOENT => "it needs what this kernel does not offer; the log says what",
        EEXIST => "a module of its name is loaded already",
        ENOMEM => "there is no memory",
        _ => "the kernel's log says more",
    }
}

/// The arguments behind the file with spaces between them, if there is room.
fn join(arguments: Arguments, into: &mut [u8; PARAMETER_BYTES]) -> Option<&CStr> {
    let mut len = 0;
    for argument in arguments.iter().skip(2) {
        // The last place stays a NUL.
        let room = into[..PARAMETER_BYTES - 1].get_mut(len..len + argument.len() + 1)?;
        let (text, space) = room.split_at_mut(argument.len());
        text.copy_from_slice(argument);
        space[0] = b' ';
        len += argument.len() + 1;
    }
    CStr::from_bytes_until_nul(into).ok()
}
