//! kill and wait in a family of three generations, first from the youngest up, then with the middle one first.
#![no_std]
#![no_main]

use abi::linux::process::{SIGKILL, SIGTERM};
use guest_user::syscall::Outcome;
use guest_user::syscall::process::{self, Ended, WaitOutcome};
use guest_user::{Arguments, Board, child, println, program};

program!(main);

/// Words on the board.
const MIDDLE_READY: u64 = 0;
const YOUNGEST_ID: u64 = 1;
/// Wait status of the youngest, as the middle one got it, and 1 more, so that it is never 0.
const YOUNGEST_STATUS: u64 = 2;
const YOUNGEST_MAY_END: u64 = 3;
/// 1: the youngest still has the parent that made it; 2: another one.
const YOUNGEST_PARENT: u64 = 4;

fn main(_: Arguments) -> i32 {
    from_the_youngest_up();
    the_middle_one_first();
    println!("waitkill pass");
    0
}

fn from_the_youngest_up() {
    let board = Board::new();
    let middle = child::start(|| {
        let youngest = child::start(|| yield_for_ever());
        board.post(YOUNGEST_ID, youngest as u64);
        if let Ok(Some(Ended { status, .. })) = process::wait(youngest, 0) {
            board.post(YOUNGEST_STATUS, u64::from(status.0) + 1);
        }
        yield_for_ever()
    });
    let youngest = board.wait_for_any(YOUNGEST_ID) as i32;
    println!(
        "the youngest is there: {}",
        Outcome::from(process::kill(youngest, 0))
    );
    println!(
        "it is killed: {}",
        Outcome::from(process::kill(youngest, SIGKILL.into()))
    );
    let status = process::WaitStatus(board.wait_for_any(YOUNGEST_STATUS) as u32 - 1);
    println!("its parent's wait gave {status}");
    println!(
        "it is killed again: {}",
        Outcome::from(process::kill(youngest, SIGKILL.into()))
    );
    println!(
        "the middle one is terminated: {}",
        Outcome::from(process::kill(middle, SIGTERM.into()))
    );
    println!("my wait gave {}", WaitOutcome(process::wait(middle, 0)));
    println!("and again {}", WaitOutcome(process::wait(middle, 0)));
}

fn the_middle_one_first() {
    let board = Board::new();
    let middle = child::start(|| {
        let parent = process::process_id();
        let youngest = child::start(|| {
            board.wait_for(YOUNGEST_MAY_END, 1);
            let same = process::parent_process_id() == parent;
            board.post(YOUNGEST_PARENT, if same { 1 } else { 2 });
        });
        board.post(MIDDLE_READY, 1);
        // It is killed in its sleep.
        let _ = process::wait(youngest, 0);
    });
    board.wait_for(MIDDLE_READY, 1);
    println!(
        "a parent that waits is killed: {}",
        Outcome::from(process::kill(middle, SIGKILL.into()))
    );
    println!("my wait gave {}", WaitOutcome(process::wait(middle, 0)));
    board.post(YOUNGEST_MAY_END, 1);
    println!(
        "its child lives on and has another parent: {}",
        board.wait_for_any(YOUNGEST_PARENT) == 2
    );
}

fn yield_for_ever() -> ! {
    loop {
        process::sched_yield();
    }
}
