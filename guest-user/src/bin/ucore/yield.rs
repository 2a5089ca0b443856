//! sched_yield: two processes that only ever give way to each other both get on.
#![no_std]
#![no_main]

use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::{Arguments, Board, child, println, program};

program!(main);

/// Word on the board: turns taken so far. The parent takes the even ones.
const TURNS: u64 = 0;
const ROUNDS: u64 = 5;

fn main(_: Arguments) -> i32 {
    let board = Board::new();
    let child = child::start(|| {
        for round in 0..ROUNDS {
            board.wait_for(TURNS, 2 * round + 1);
            board.post(TURNS, 2 * round + 2);
        }
    });
    for round in 0..ROUNDS {
        board.post(TURNS, 2 * round + 1);
        board.wait_for(TURNS, 2 * round + 2);
        println!("back in the parent, round {round}");
    }
    println!("the child: {}", WaitOutcome(process::wait(child, 0)));
    println!("yield pass");
    0
}
