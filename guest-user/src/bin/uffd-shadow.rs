//! A shadow page table of memory whose faults a program serves: what UFFDIO_COPY puts there is in the table at once.
#![no_std]
#![no_main]

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::linux::syscall::O_NONBLOCK;
use abi::linux::userfaultfd::{UFFDIO_COPY_MODE_WP, UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP};
use abi::shadowpt::SPTE_PTE_MAPPED;
use guest_user::facts::fact;
use guest_user::syscall::process;
use guest_user::syscall::shadowpt::ShadowPt;
use guest_user::{Arguments, Board, ShadowTable, Span, Userfaultfd, child, program};

program!(main);

const PAGES: u64 = 3;

fn main(arguments: Arguments) -> i32 {
    let span = Span::map(PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    let from = Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    from.store(0, 1);
    let uffd = Userfaultfd::open(O_NONBLOCK, 0);
    uffd.register(span, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP)
        .expect("UFFDIO_REGISTER");
    let (board, target) = (Board::new(), process::process_id());
    let calls = ShadowPt::of_this_kernel(arguments);
    let inspector = child::start(|| inspect(calls, board, target, span));
    let look = |step| {
        board.post(0, step);
        board.wait_for(1, step);
        core::fmt::from_fn(move |formatter| write!(formatter, "{:03b}", board.read(2)))
    };
    let page = |index| span.part(index * PAGE_SIZE, PAGE_SIZE);
    fact("mapped, last page first", look(1));
    uffd.copy(page(0), from.address(), 0).0.expect("UFFDIO_COPY");
    fact("after a copy", look(2));
    uffd.copy(page(2), from.address(), UFFDIO_COPY_MODE_WP)
        .0
        .expect("UFFDIO_COPY");
    fact("after one that is protected", look(3));
    uffd.fill_with_zeros(page(1), 0).0.expect("UFFDIO_ZEROPAGE");
    fact("after zeros", look(4));
    page(0).unmap().expect("munmap");
    fact("after munmap", look(5));
    board.post(0, u64::MAX);
    process::wait(inspector, 0).expect("wait4");
    0
}

/// Says at each step which pages are mapped, until it is told to stop.
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
        let is_mapped = |index: u64| table.entry(index).state_flags & SPTE_PTE_MAPPED != 0;
        let mapped = (0..PAGES).map(|index| u64::from(is_mapped(index)) << index).sum();
        board.post(2, mapped);
        board.post(1, step);
    }
    calls.stop().expect("shadowpt_stop");
    calls.close().expect("shadowpt_close");
}
