//! exit and wait: a child's status reaches its parent once, after the child has let others go first a few times.
#![no_std]
#![no_main]

use guest_user::syscall::process::{self, ANY_CHILD, WaitOutcome};
use guest_user::{Arguments, child, println, program};

program!(main);

const STATUS: i32 = 0x5c;
const YIELDS: u32 = 7;

fn main(_: Arguments) -> i32 {
    println!("parent: forks");
    let child = child::start(|| {
        println!("child: runs");
        for _ in 0..YIELDS {
            process::sched_yield();
        }
        process::exit(STATUS)
    });
    let ended = process::wait(child, 0);
    println!("parent: the child ended with {}", WaitOutcome(ended));
    println!(
        "parent: it is the one that fork named: {}",
        matches!(ended, Ok(Some(ended)) if ended.pid == child)
    );
    println!(
        "parent: waits for it again: {}",
        WaitOutcome(process::wait(child, 0))
    );
    println!(
        "parent: waits for any child: {}",
        WaitOutcome(process::wait(ANY_CHILD, 0))
    );
    println!("exit pass");
    0
}
