//! SSE registers: two processes with two threads each keep values of their own in XMM0 to XMM15 and in MXCSR, while the
//! others run with theirs.
//!
//! The four pass a turn round. Each fills its registers, lets all others have their turn, and then looks at what the
//! registers hold. With the argument `yield` one waits for its turn by giving way; with `preempt` it loops, and only the
//! clock can take the processor from it.
#![no_std]
#![no_main]

mod registers;

use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::{Arguments, Board, child, println, program, thread};

use registers::Registers;

program!(main);

const PARTIES: u64 = 4;
/// Words on the board: whose turn it is, counted on without end; then, for each party, the rounds in which its registers
/// were as it had left them.
const TURN: u64 = 0;
const RIGHT_ROUNDS: u64 = 1;
const USAGE_STATUS: i32 = 2;

fn main(arguments: Arguments) -> i32 {
    let at_start = Registers::read();
    let (wait, rounds): (fn(), u64) = match arguments.get(1) {
        Some(b"yield") => (process::sched_yield, 100),
        Some(b"preempt") => (core::hint::spin_loop, 3),
        _ => {
            println!("usage: sse yield|preempt");
            return USAGE_STATUS;
        }
    };
    println!(
        "at the start all are as the ABI has them: {}",
        at_start == Registers::INITIAL
    );
    println!("a child has its parent's: {}", child::exited_with(inherited(), 0));

    let board = Board::new();
    let party = move |number| keep(board, number, rounds, wait);
    let child = child::start(|| {
        let other = thread::spawn(move || party(3)).expect("clone");
        party(2);
        other.join();
    });
    let other = thread::spawn(move || party(1)).expect("clone");
    party(0);
    other.join();
    println!("the child: {}", WaitOutcome(process::wait(child, 0)));
    for number in 0..PARTIES {
        let right = board.read(RIGHT_ROUNDS + number);
        println!(
            "thread {} of process {}: right in {right} rounds of {rounds}",
            number % 2,
            number / 2
        );
    }
    0
}

/// Status 0 if a child begins with the registers as they are at its parent's fork.
fn inherited() -> process::WaitStatus {
    let mine = Registers::of(PARTIES, 0);
    mine.write();
    child::run(|| process::exit(i32::from(Registers::read() != mine)))
}

fn keep(board: Board, party: u64, rounds: u64, wait: fn()) {
    for round in 0..rounds {
        let mine = Registers::of(party, round);
        let turn = round * PARTIES + party;
        wait_for_turn(board, turn, wait);
        mine.write();
        board.post(TURN, turn + 1);
        wait_for_turn(board, turn + PARTIES, wait);
        if Registers::read() == mine {
            board.post(RIGHT_ROUNDS + party, board.read(RIGHT_ROUNDS + party) + 1);
        }
    }
    // The last look was in a turn that nobody takes any more but to pass it on.
    board.post(TURN, rounds * PARTIES + party + 1);
}

fn wait_for_turn(board: Board, turn: u64, wait: fn()) {
    while board.read(TURN) != turn {
        wait();
    }
}
