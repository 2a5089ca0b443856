//! nanosleep: a child sleeps in steps, its parent sees that each takes as long as it should, and no time is no time.
#![no_std]
#![no_main]

use core::time::Duration;

use guest_user::syscall::Outcome;
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::syscall::time::{Timespec, nanosleep, now, sleep};
use guest_user::{Arguments, child, println, program};

program!(main);

const STEPS: u32 = 5;
const STEP: Duration = Duration::from_millis(20);

fn main(_: Arguments) -> i32 {
    let start = now().expect("clock_gettime");
    let child = child::start(|| {
        for step in 1..=STEPS {
            let before = now().expect("clock_gettime");
            sleep(STEP);
            let slept = now().expect("clock_gettime") - before;
            println!(
                "child: step {step} of {STEPS}, slept long enough: {}",
                slept >= STEP
            );
        }
    });
    println!("the child: {}", WaitOutcome(process::wait(child, 0)));
    let passed = now().expect("clock_gettime") - start;
    println!("parent: as much time has passed: {}", passed >= STEPS * STEP);
    show("no time", Timespec::default());
    show(
        "a negative time",
        Timespec {
            seconds: -1,
            nanoseconds: 0,
        },
    );
    show(
        "a second's nanoseconds",
        Timespec {
            seconds: 0,
            nanoseconds: 1_000_000_000,
        },
    );
    println!("sleep pass");
    0
}

fn show(what: &str, time: Timespec) {
    println!("{what}: {}", Outcome::from(nanosleep(time)));
}
