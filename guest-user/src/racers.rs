//! Processes that begin at the same time, for what must hold whoever goes first.
//!
//! They are made ready while they are in the group of whoever started the program, where nothing is up to choice. Then they get a
//! group of their own and a signal to start, and their parent sleeps until they have ended.

use core::time::Duration;

use abi::linux::process::SIGUSR1;

use crate::syscall::group::{own_group, set_group};
use crate::syscall::process::{self, WaitOutcome};
use crate::syscall::signal::{SignalSet, block, wait_for};
use crate::syscall::time::sleep;
use crate::{Board, child, println};

/// Words on the board, by racer: that it is ready, and what it has found.
const READY: u64 = 0;
const FOUND: u64 = 8;

/// Racers that are numbered from 0 on, eight at most.
#[derive(Clone, Copy, Debug)]
pub struct Racers {
    board: Board,
}

impl Racers {
    /// None yet.
    ///
    /// # Panics
    ///
    /// When the signal that starts them cannot be blocked, or there is no memory to share.
    #[must_use]
    pub fn new() -> Self {
        block(SignalSet::of(&[SIGUSR1])).expect("rt_sigprocmask");
        // What runs here for the first time would be a first access of each racer's, in the race.
        let_others_finish(0);
        Self { board: Board::new() }
    }

    /// Starts a racer, which gets ready and then says so with [`Self::line_up`]. Gives its process id.
    pub fn start(&self, body: impl FnOnce()) -> i32 {
        child::start(body)
    }

    /// In a racer: returns when the race has begun.
    ///
    /// # Panics
    ///
    /// When the signal cannot be waited for.
    pub fn line_up(&self, racer: u64) {
        // Nothing that it needs later on shall be a first access.
        self.found(racer, 0);
        self.board.post(READY + racer, 1);
        wait_for(SignalSet::of(&[SIGUSR1]), None).expect("rt_sigtimedwait");
    }

    /// Has the racers run, waits for their end, and prints how each ended.
    ///
    /// # Panics
    ///
    /// When they cannot be put in a group, or started.
    pub fn run<const RACERS: usize>(&self, racers: [i32; RACERS]) {
        for (index, _) in (0..).zip(racers) {
            self.board.wait_for(READY + index, 1);
        }
        set_group(0, 0).expect("setpgid");
        for racer in racers {
            set_group(racer, own_group()).expect("setpgid");
        }
        process::kill(0, SIGUSR1.into()).expect("kill");
        for (index, racer) in racers.into_iter().enumerate() {
            println!("racer {index}: {}", WaitOutcome(process::wait(racer, 0)));
        }
    }

    /// In a racer: what it has found.
    pub fn found(&self, racer: u64, what: u64) {
        self.board.post(FOUND + racer, what);
    }

    /// What a racer has found.
    #[must_use]
    pub fn finding(&self, racer: u64) -> u64 {
        self.board.read(FOUND + racer)
    }
}

impl Default for Racers {
    fn default() -> Self {
        Self::new()
    }
}

/// Sleeps while others run: the clock stands still until all of them sleep.
pub fn let_others_finish(turns: u64) {
    sleep(Duration::from_secs(turns));
}
