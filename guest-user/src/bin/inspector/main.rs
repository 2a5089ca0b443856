//! The inspector: shows the shadow page table of a process once a second, until it is interrupted.
//!
//! It blocks SIGINT and SIGTERM and waits for them with a timeout of a second: that is both the second and the signal. So it
//! closes the table whichever way it is asked to end.
#![no_std]
#![no_main]

mod names;
mod options;
mod show;

use core::time::Duration;

use abi::linux::errno::{EAGAIN, EBUSY, EFAULT, EINVAL, ENOMEM, ENOSYS, EPERM};
use abi::linux::process::{SIGINT, SIGTERM};
use abi::shadowpt::MAX_SPT_RANGE;
use guest_user::syscall::Errno;
use guest_user::syscall::signal::{SignalSet, Taken, block, wait_for};
use guest_user::{Arguments, ShadowTable, println, program};

use options::{Options, Parsed};
use show::Display;

program!(main);

const FAILED_STATUS: i32 = 1;
const USAGE_STATUS: i32 = 2;
/// What ends it.
const ENDS: [u32; 2] = [SIGINT, SIGTERM];

fn main(arguments: Arguments) -> i32 {
    match Options::parse(arguments) {
        Parsed::Run(options) => match inspect(options) {
            Ok(signal) => {
                println!("inspector: closed after {signal}");
                0
            }
            Err((what, errno)) => {
                println!("inspector: {what}: {errno}, {}", meaning(errno));
                FAILED_STATUS
            }
        },
        Parsed::Help => {
            options::help();
            0
        }
        Parsed::Wrong => {
            options::usage();
            USAGE_STATUS
        }
    }
}

fn inspect(options: Options) -> Result<Taken, (&'static str, Errno)> {
    let named = |what| move |errno| (what, errno);
    let (calls, start, end) = (options.calls, options.start, options.end);
    let signals = SignalSet::of(&ENDS);
    block(signals).map_err(named("rt_sigprocmask"))?;

    let table = ShadowTable::map(start, end).map_err(named("mmap"))?;
    let opened = calls.open(options.target, start, end, table.entries());
    let shown_end = opened.map_err(named("shadowpt_open"))?;
    if shown_end != end {
        println!("inspector: at most {MAX_SPT_RANGE:#x} bytes are shown, up to {shown_end:#x}");
    }
    calls.start().map_err(named("shadowpt_start"))?;

    let mut display = Display::of(table, options);
    let taken = loop {
        display.show();
        match wait_for(signals, Some(Duration::from_secs(1).into())) {
            Ok(taken) => break taken,
            // The second is over.
            Err(Errno(EAGAIN)) => {}
            Err(errno) => return Err(("rt_sigtimedwait", errno)),
        }
    };
    calls.stop().map_err(named("shadowpt_stop"))?;
    calls.close().map_err(named("shadowpt_close"))?;
    Ok(taken)
}

/// What a refusal means for whoever started the program.
fn meaning(errno: Errno) -> &'static str {
    match errno.0 {
        EPERM => "only the superuser can inspect",
        EBUSY => "somebody inspects already, and there is one table for all",
        EFAULT => "the kernel could not read the request",
        EINVAL => {
            "there is no such process, the addresses are no range of whole pages, or this kernel has another call there (--base)"
        }
        ENOMEM => "the kernel has no memory for the table",
        ENOSYS => "this kernel has no shadow page table, or its calls have other numbers (--base)",
        _ => "which it should not be",
    }
}
