//! A child's pages, seen by its parent, and what is left to see when it has ended.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE};
use abi::linux::syscall::O_RDONLY;
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::syscall::{Errno, Outcome, file};
use guest_user::{Board, PageMap, Span, Text, child, maps, println};

/// Words on the board.
const CHILD: u64 = 0;
const PARENT: u64 = 1;

pub(crate) fn show() {
    let board = Board::new();
    let map = PageMap::own();
    let memory = |flags| {
        let span = Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, flags).expect("mmap");
        span.store(0, 1);
        span
    };
    let (private, shared) = (memory(MAP_PRIVATE), memory(MAP_SHARED));
    let child = child::start(|| {
        let _ = (private.load(0), shared.load(0));
        board.post(CHILD, 1);
        board.wait_for(PARENT, 1);
        private.store(0, 2);
        board.post(CHILD, 2);
        board.wait_for(PARENT, 2);
    });
    board.wait_for(CHILD, 1);
    let childs = PageMap::of(child).expect("open of the child's page map");
    let show = |when: &str, is_same: bool| {
        for (name, span, is_same) in [("private", private, is_same), ("shared", shared, true)] {
            let (own, other) = (map.at(span.address()), childs.at(span.address()));
            println!(
                "{when}, {name}: own {own}, the child's {other}, in the same frame: {}",
                own.is_with(other, is_same)
            );
        }
    };
    show("after fork", true);
    println!(
        "the child's areas are the parent's: {}",
        areas(process::process_id()) == areas(child)
    );
    board.post(PARENT, 1);
    board.wait_for(CHILD, 2);
    show("after the child's store", false);
    board.post(PARENT, 2);
    println!("the child ended: {}", WaitOutcome(process::wait(child, 0)));
    let mut word = [0; 8];
    let left = file::read_at(childs.fd, &mut word, PageMap::offset_of(private.address()));
    println!(
        "bytes of a page that is gone: {}",
        left.expect("pread of the page map")
    );
    println!(
        "a process that is gone: {}",
        Outcome::from(PageMap::of(child).map(drop))
    );
    println!("its areas: {}", Outcome::from(open_areas(child)));
    println!("alone again: {}", map.at(private.address()));
    childs.close();
    map.close();
}

/// All areas in one number.
fn areas(pid: i32) -> u64 {
    let mut sum = 0_u64;
    maps::for_each_in(areas_path(pid).as_c_str(), |region| {
        let permissions = u64::from(u32::from_le_bytes(region.permissions));
        for word in [region.start, region.end, permissions] {
            sum = (sum ^ word).wrapping_mul(0x100_0000_01b3);
        }
    });
    sum
}

/// Opens the file about a process's areas.
pub(crate) fn open_areas(pid: i32) -> Result<i32, Errno> {
    file::open(areas_path(pid).as_c_str(), O_RDONLY)
}

fn areas_path(pid: i32) -> Text<32> {
    Text::of(format_args!("/proc/{pid}/maps"))
}
