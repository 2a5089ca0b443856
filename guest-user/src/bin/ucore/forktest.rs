//! Many children at once: each has an id of its own, each is waited for exactly once, and then there are no more.
#![no_std]
#![no_main]

use guest_user::syscall::process::{self, ANY_CHILD, WaitOutcome};
use guest_user::{Arguments, child, println, program};

program!(main);

const CHILDREN: usize = 32;

fn main(_: Arguments) -> i32 {
    let mut children = [0; CHILDREN];
    for (number, child) in children.iter_mut().enumerate() {
        *child = child::start(|| process::exit(number as i32));
    }
    println!("forked {CHILDREN} children");

    let mut waits = [0; CHILDREN];
    let mut right_statuses = 0;
    for _ in 0..CHILDREN {
        let ended = process::wait(ANY_CHILD, 0)
            .expect("wait4")
            .expect("without WNOHANG wait4 returns only with an ended child");
        let number = children
            .iter()
            .position(|&child| child == ended.pid)
            .expect("a child that was forked here");
        waits[number] += 1;
        right_statuses += usize::from(child::exited_with(ended.status, number as i32));
    }
    let once = waits.iter().filter(|&&waits| waits == 1).count();
    println!("waited for once: {once}, with the right status: {right_statuses}");
    println!("one wait more: {}", WaitOutcome(process::wait(ANY_CHILD, 0)));
    println!("forktest pass");
    0
}
