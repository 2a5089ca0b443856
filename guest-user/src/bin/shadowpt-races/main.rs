//! Races on the shadow page table: what must hold whoever goes first, at every point where somebody may.
//!
//! Arguments: the race, and the number of the first call.
#![no_std]
#![no_main]

mod close_exit;
mod open;
mod start_fork;
mod stop_fault;

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_FIXED_NOREPLACE, MAP_PRIVATE, PROT_READ, PROT_WRITE};
use guest_user::syscall::process;
use guest_user::syscall::shadowpt::ShadowPt;
use guest_user::{Arguments, Racers, ShadowTable, Span, parse_number, println, program};

program!(main);

const WRONG_STATUS: i32 = 1;
const USAGE_STATUS: i32 = 2;
/// The range that the targets have.
const ADDRESS: u64 = 0x4000_0000;
const PAGES: u64 = 3;

fn main(arguments: Arguments) -> i32 {
    let base = arguments.get(2).and_then(parse_number);
    let calls = base.map_or_else(|| ShadowPt::of_this_kernel(arguments), ShadowPt::at);
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
    race(&Race {
        calls,
        racers: Racers::new(),
        range: map_range(),
    });
    0
}

/// What all racers have.
struct Race {
    calls: ShadowPt,
    racers: Racers,
    /// Private memory.
    range: Span,
}

impl Race {
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
