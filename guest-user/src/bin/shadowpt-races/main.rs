//! Races on the shadow page table: what must hold whoever goes first, at every point where somebody may.
//!
//! The racers are made ready while they are in the group of whoever started the program, where nothing is up to choice. Then
//! they get a group of their own and a signal to start, and their parent sleeps until they have ended.
//!
//! Arguments: the race, and the number of the first call.
#![no_std]
#![no_main]

mod close_exit;
mod open;
mod start_fork;
mod stop_fault;

use core::time::Duration;

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_FIXED_NOREPLACE, MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::linux::process::SIGUSR1;
use guest_user::syscall::group::{own_group, set_group};
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::syscall::shadowpt::ShadowPt;
use guest_user::syscall::signal::{SignalSet, block, wait_for};
use guest_user::syscall::time::sleep;
use guest_user::{Arguments, Board, ShadowTable, Span, child, parse_number, println, program};

program!(main);

const WRONG_STATUS: i32 = 1;
const USAGE_STATUS: i32 = 2;
/// The range that the targets have.
const ADDRESS: u64 = 0x4000_0000;
const PAGES: u64 = 3;

/// Words on the board, by racer: that it is ready, and what it has found.
const READY: u64 = 0;
const FOUND: u64 = 8;

fn main(arguments: Arguments) -> i32 {
    let base = arguments.get(2).and_then(parse_number);
    let calls = base.map_or(ShadowPt::USUAL, ShadowPt::at);
    let race: fn(&Race) = match arguments.get(1) {
        Some(b"open") => open::race,
        Some(b"close-exit") => close_exit::race,
        Some(b"start-fork") => start_fork::race,
        Some(b"stop-fault") => stop_fault::race,
        _ => {
            println!(
                "usage: shadowpt-races open|close-exit|start-fork|stop-fault [<number of the first call>]"
            );
            return USAGE_STATUS;
        }
    };
    if let Err(errno) = try_calls(calls) {
        println!("shadowpt-races: this kernel lets nobody open a shadow page table: {errno}");
        return WRONG_STATUS;
    }
    block(SignalSet::of(&[SIGUSR1])).expect("rt_sigprocmask");
    // What runs here for the first time would be a first access of each racer's, in the race.
    let_others_finish(0);
    race(&Race {
        calls,
        board: Board::new(),
        range: map_range(),
    });
    0
}

/// What all racers have.
struct Race {
    calls: ShadowPt,
    board: Board,
    /// Private memory.
    range: Span,
}

impl Race {
    /// Has the racers run and waits for their end.
    fn run<const RACERS: usize>(&self, racers: [i32; RACERS]) {
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

    /// Starts a racer, which gets ready and then says so with [`Self::line_up`].
    fn racer(&self, body: impl FnOnce()) -> i32 {
        child::start(body)
    }

    /// In a racer: returns when the race has begun.
    fn line_up(&self, racer: u64) {
        // Nothing that it needs later on shall be a first access.
        self.found(racer, 0);
        self.board.post(READY + racer, 1);
        wait_for(SignalSet::of(&[SIGUSR1]), None).expect("rt_sigtimedwait");
    }

    /// In a racer: what it has found.
    fn found(&self, racer: u64, what: u64) {
        self.board.post(FOUND + racer, what);
    }

    /// What a racer has found.
    fn finding(&self, racer: u64) -> u64 {
        self.board.read(FOUND + racer)
    }

    /// A table of the target's range.
    fn open(&self, target: i32) -> ShadowTable {
        let opened = ShadowTable::open(self.calls, target, self.range.address(), self.range.end());
        opened.expect("shadowpt_open")
    }

    /// Whether the table is free again.
    fn table_is_free(&self) -> bool {
        try_calls(self.calls).is_ok()
    }
}

/// Opens and closes a table.
fn try_calls(calls: ShadowPt) -> Result<(), guest_user::syscall::Errno> {
    let table = ShadowTable::open(calls, process::process_id(), ADDRESS, ADDRESS + PAGE_SIZE)?;
    calls.close()?;
    table.entries().unmap().map(drop)
}

#[allow(unsafe_code, reason = "names addresses at which nothing is")]
fn map_range() -> Span {
    // SAFETY: no program of ours is there, and the mapping replaces nothing.
    let place = unsafe { Span::at(ADDRESS, PAGES * PAGE_SIZE) };
    place
        .map_here(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE)
        .expect("mmap where nothing is")
}

/// Sleeps while others run: the clock stands still until all of them sleep.
fn let_others_finish(turns: u64) {
    sleep(Duration::from_secs(turns));
}
