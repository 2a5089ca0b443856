//! A child that never gives the processor back: the clock does, or its parent would never run again and kill it.
#![no_std]
#![no_main]

use abi::linux::process::SIGKILL;
use guest_user::syscall::Outcome;
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::{Arguments, Board, child, println, program};

program!(main);

const RUNS: u64 = 0;
const YIELDS: u32 = 3;

fn main(_: Arguments) -> i32 {
    let board = Board::new();
    let child = child::start(|| {
        board.post(RUNS, 1);
        loop {
            core::hint::spin_loop();
        }
    });
    board.wait_for(RUNS, 1);
    println!("the child spins");
    for _ in 0..YIELDS {
        process::sched_yield();
    }
    println!("I am back from {YIELDS} yields");
    println!(
        "kill gave {}",
        Outcome::from(process::kill(child, SIGKILL.into()))
    );
    println!("wait gave {}", WaitOutcome(process::wait(child, 0)));
    println!("spin pass");
    0
}
