//! A shadow page table of memory that moves: both places are in the table as they are now, at once.
#![no_std]
#![no_main]

use abi::PAGE_SIZE;
use abi::linux::mman::{
    MADV_FREE, MADV_REMOVE, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, MREMAP_DONTUNMAP, MREMAP_FIXED,
    MREMAP_MAYMOVE, PROT_READ, PROT_WRITE,
};
use abi::shadowpt::{SPTE_PTE_MAPPED, SPTE_VADDR_ALLOCATED};
use guest_user::facts::fact;
use guest_user::syscall::process;
use guest_user::syscall::shadowpt::ShadowPt;
use guest_user::{Arguments, Board, ShadowTable, Span, child, program};

program!(main);

const PAGES: u64 = 8;
const READ_WRITE: u64 = PROT_READ | PROT_WRITE;

fn main(arguments: Arguments) -> i32 {
    let room = Span::map(PAGES * PAGE_SIZE, READ_WRITE, MAP_PRIVATE).expect("mmap");
    let (board, target) = (Board::new(), process::process_id());
    let calls = ShadowPt::of_this_kernel(arguments);
    room.unmap().expect("munmap");
    let inspector = child::start(|| inspect(calls, board, target, room));
    let look = |step| {
        board.post(0, step);
        board.wait_for(1, step);
        core::fmt::from_fn(move |formatter| {
            write!(
                formatter,
                "areas {:08b}, mapped {:08b}",
                board.read(2),
                board.read(3)
            )
        })
    };
    let pages = |first, count| room.part(first * PAGE_SIZE, count * PAGE_SIZE);
    let map = |span: Span, sharing| span.map_here(READ_WRITE, sharing | MAP_FIXED).expect("mmap");
    let old = map(pages(0, 3), MAP_PRIVATE);
    old.store(0, 1);
    old.store(2 * PAGE_SIZE, 1);
    fact("last page first", look(1));
    let fixed = MREMAP_MAYMOVE | MREMAP_FIXED;
    let new = old.remap(3 * PAGE_SIZE, fixed, pages(4, 3)).expect("mremap");
    fact("moved", look(2));
    let longer = new.remap(4 * PAGE_SIZE, 0, new).expect("mremap");
    fact("longer", look(3));
    let shorter = longer.remap(PAGE_SIZE, 0, longer).expect("mremap");
    fact("shorter", look(4));
    shorter
        .remap(PAGE_SIZE, fixed | MREMAP_DONTUNMAP, pages(1, 1))
        .expect("mremap");
    fact("moved, and the old place stays", look(5));
    pages(1, 1).advise(MADV_FREE).expect("madvise");
    fact("free to go", look(6));
    let shared = map(pages(2, 1), MAP_SHARED);
    shared.store(0, 1);
    fact("shared", look(7));
    shared.advise(MADV_REMOVE).expect("madvise");
    fact("removed", look(8));
    board.post(0, u64::MAX);
    process::wait(inspector, 0).expect("wait4");
    0
}

/// Says at each step which pages have an area and which are mapped, until it is told to stop.
fn inspect(calls: ShadowPt, board: Board, target: i32, span: Span) {
    let table = ShadowTable::open(calls, target, span.address(), span.end()).expect("shadowpt_open");
    calls.start().expect("shadowpt_start");
    let mut seen = 0;
    loop {
        let step = board.read(0);
        if step == u64::MAX {
            break;
        }
        if step == seen {
            process::sched_yield();
            continue;
        }
        seen = step;
        let bits = |flag| {
            let has = |index: u64| table.entry(index).state_flags & flag != 0;
            (0..PAGES).map(|index| u64::from(has(index)) << index).sum()
        };
        board.post(2, bits(SPTE_VADDR_ALLOCATED));
        board.post(3, bits(SPTE_PTE_MAPPED));
        board.post(1, step);
    }
    calls.stop().expect("shadowpt_stop");
    calls.close().expect("shadowpt_close");
}
