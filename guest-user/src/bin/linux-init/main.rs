//! The first program of a guest whose kernel is Linux: makes of its process what the agent needs, and has the agent take its place.
//!
//! What it cannot do it says on the console, which is the kernel's log; the kernel panics when its first program ends.

#![no_std]
#![no_main]

mod devices;
mod settings;
mod terminal;

use core::ffi::CStr;

use abi::linux::errno::{EBUSY, EEXIST};
use guest_user::syscall::{Errno, file, process};
use guest_user::{Arguments, eprintln, program};

program!(main);

const FAILURE_STATUS: i32 = 1;
const AGENT: &CStr = c"/agent";
/// The lowest real-time priority: before everything that has none, and after what the kernel itself runs so.
const PRIORITY: i32 = 1;

/// What could not be done.
struct Failure {
    what: &'static CStr,
    errno: Errno,
}

/// For `map_err`.
fn failed(what: &'static CStr) -> impl FnOnce(Errno) -> Failure {
    move |errno| Failure { what, errno }
}

fn main(_: Arguments) -> i32 {
    let Failure { what, errno } = match prepare() {
        Ok(()) => Failure {
            what: AGENT,
            errno: enter_agent(),
        },
        Err(failure) => failure,
    };
    eprintln!("linux-init: {}: {errno}", what.to_bytes().escape_ascii());
    FAILURE_STATUS
}

fn prepare() -> Result<(), Failure> {
    for (kind, place) in [
        (c"devtmpfs", c"/dev"),
        (c"proc", c"/proc"),
        (c"sysfs", c"/sys"),
        (c"tmpfs", c"/tmp"),
    ] {
        unless(EEXIST, file::make_directory(place)).map_err(failed(place))?;
        // A kernel can be built to mount some of them by itself.
        unless(EBUSY, file::mount(kind, place)).map_err(failed(place))?;
    }
    settings::make()?;
    devices::load_drivers()?;
    devices::swap_to_disk()?;
    terminal::use_for_output()?;
    process::leave_no_core_dumps().map_err(failed(c"setrlimit"))?;
    process::take_turns(PRIORITY).map_err(failed(c"sched_setscheduler"))
}

/// Takes a failure for success when it says that there was nothing to do.
fn unless(errno: i32, outcome: Result<(), Errno>) -> Result<(), Errno> {
    match outcome {
        Err(Errno(found)) if found == errno => Ok(()),
        outcome => outcome,
    }
}

/// Returns only when there is no agent.
#[allow(unsafe_code, reason = "execve takes an array of pointers")]
fn enter_agent() -> Errno {
    let arguments = [AGENT.as_ptr(), core::ptr::null()];
    // SAFETY: the arguments are a NUL-terminated string and a null pointer.
    unsafe { process::execve(AGENT, &arguments) }
}
