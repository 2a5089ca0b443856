//! What the shadow page table's calls refuse, and what they leave behind: nothing. One case a line.
//!
//! The caller is the inspector and the superuser's; its target is a child with memory like its own. Argument: the number of the
//! first call.
#![no_std]
#![no_main]

mod contents;
mod entries;
mod memory;
mod range;
mod request;
mod targets;
mod turns;
mod users;
mod window;

use core::time::Duration;

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_FIXED_NOREPLACE, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE};
use guest_user::facts::fact as says;
use guest_user::facts::outcome as fact;
use guest_user::syscall::Errno;
use guest_user::syscall::shadowpt::ShadowPt;
use guest_user::syscall::time::sleep;
use guest_user::{Arguments, ShadowTable, Span, child, parse_number, println, program};

program!(main);

/// Exit status for a kernel that has no such calls.
const UNSUPPORTED_STATUS: i32 = 2;
const READ_WRITE: u64 = PROT_READ | PROT_WRITE;
/// Where the range of the usual target is: an address of which two bytes are letters.
const ADDRESS: u64 = 0x4141_0000;
const PAGES: u64 = 4;

/// What the cases have in common.
#[derive(Clone, Copy)]
struct Setting {
    calls: ShadowPt,
    /// A child of ours that sleeps.
    target: i32,
    /// Mapped by both, and stored to by both; in the end by each for itself.
    range: Span,
}

fn main(arguments: Arguments) -> i32 {
    let base = arguments.get(1).and_then(parse_number);
    let calls = base.map_or_else(|| ShadowPt::of_this_kernel(arguments), ShadowPt::at);
    let range = map_range();
    store_to_all(range, 1);
    let target = child::start(|| sleep_for_ever(range, 2));
    // So that it has its own pages before anybody looks.
    sleep(Duration::from_millis(10));
    let setting = Setting { calls, target, range };
    let status = match setting.open() {
        Ok(_) => {
            calls.close().expect("shadowpt_close");
            all(setting);
            0
        }
        Err(errno) => {
            println!("shadowpt-errors: this kernel lets nobody open a shadow page table: {errno}");
            UNSUPPORTED_STATUS
        }
    };
    child::end(target);
    status
}

fn all(setting: Setting) {
    let section = |name: &str, cases: fn(Setting)| {
        println!("{name}");
        cases(setting);
        // Whatever was refused has left nothing behind.
        fact("a correct open after these", setting.open());
        fact("and a close", setting.calls.close());
    };
    section("targets", targets::cases);
    section("requests", request::cases);
    section("ranges", range::cases);
    section("entries", entries::cases);
    section("turns", turns::cases);
    section("the memory of an open table", window::cases);
    section("page contents", contents::cases);
    section("users", users::cases);
    section("without memory", memory::cases);
}

impl Setting {
    fn start(self) -> u64 {
        self.range.address()
    }

    fn end(self) -> u64 {
        self.range.end()
    }

    /// The usual target and range, in new memory.
    fn open(self) -> Result<ShadowTable, Errno> {
        ShadowTable::open(self.calls, self.target, self.start(), self.end())
    }

    /// Another target or range.
    fn try_open(self, target: i32, start: u64, end: u64) -> Result<(), Errno> {
        let opened = ShadowTable::open(self.calls, target, start, end);
        self.close_if_open(opened.map(drop))
    }

    /// The usual target and range, in this memory.
    fn try_open_in(self, entries: Span) -> Result<(), Errno> {
        let opened = self.calls.open(self.target, self.start(), self.end(), entries);
        self.close_if_open(opened.map(drop))
    }

    /// So that the next case finds no table.
    fn close_if_open(self, opened: Result<(), Errno>) -> Result<(), Errno> {
        if opened.is_ok() {
            self.calls.close().expect("shadowpt_close");
        }
        opened
    }
}

/// What a child does, and how it ends.
fn in_child(who: &str, body: impl FnOnce()) {
    println!("  {who}");
    let status = child::run(body);
    println!("    ended: {status}");
}

fn map_range() -> Span {
    #[allow(unsafe_code, reason = "names addresses at which nothing is")]
    // SAFETY: no program of ours is there, and the mapping replaces nothing.
    let place = unsafe { Span::at(ADDRESS, PAGES * PAGE_SIZE) };
    place
        .map_here(READ_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE)
        .expect("mmap where nothing is")
}

fn store_to_all(range: Span, byte: u8) {
    (0..range.len_bytes() / PAGE_SIZE).for_each(|index| range.store(index * PAGE_SIZE, byte));
}

/// What a target does, with pages of its own.
fn sleep_for_ever(range: Span, byte: u8) -> ! {
    store_to_all(range, byte);
    loop {
        sleep(Duration::from_secs(1000));
    }
}

/// New private memory that nobody has touched.
fn untouched(pages: u64) -> Span {
    Span::map(pages * PAGE_SIZE, READ_WRITE, MAP_PRIVATE).expect("mmap")
}

/// New memory with that access.
fn memory_with(prot: u64) -> Span {
    Span::map(PAGE_SIZE, prot, MAP_PRIVATE).expect("mmap")
}

/// New shared memory.
fn shared() -> Span {
    Span::map(PAGE_SIZE, READ_WRITE, MAP_SHARED).expect("mmap")
}

/// A page that was there and is not any more.
fn hole() -> Span {
    let memory = untouched(1);
    memory.unmap().expect("munmap");
    memory
}

/// A page in the kernel's half of the address space.
fn kernel_page() -> Span {
    at(abi::boot::DIRECT_MAP_BASE)
}

/// A page's length of addresses, for calls to refuse.
#[allow(unsafe_code, reason = "names addresses that the kernel did not give")]
fn at(address: u64) -> Span {
    // SAFETY: nothing of ours is at the addresses that are asked for.
    unsafe { Span::at(address, PAGE_SIZE) }
}
