//! Whether the module behind `/proc/lkmc_mmap` is told of every area that comes and goes: one line a moment.
#![no_std]
#![no_main]

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_SHARED, PROT_READ, PROT_WRITE};
use abi::linux::syscall::O_RDWR;
use abi::samples::PROC_MMAP_AREAS;
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::syscall::{Errno, file};
use guest_user::{Arguments, Board, FailNth, Span, child, println, program};

program!(main);

/// Words on the board.
const CHILD: u64 = 0;
const PARENT: u64 = 1;
/// More requests for memory than one mmap makes.
const MAX_REQUESTS: u32 = 1000;

fn main(_: Arguments) -> i32 {
    let fd = file::open(c"/proc/lkmc_mmap", O_RDWR).expect("open of the file");
    let show = |when: &str| println!("{when}: {}", areas(fd));
    show("at first");
    let first = map(fd).expect("mmap of the file");
    let second = map(fd).expect("mmap of the file");
    show("mapped twice");
    let board = Board::new();
    let child = child::start(|| {
        board.post(CHILD, 1);
        board.wait_for(PARENT, 1);
        first.unmap().expect("munmap");
        board.post(CHILD, 2);
        board.wait_for(PARENT, 2);
    });
    board.wait_for(CHILD, 1);
    show("with a child");
    board.post(PARENT, 1);
    board.wait_for(CHILD, 2);
    show("after the child's munmap");
    first.unmap().expect("munmap");
    show("after one's own");
    board.post(PARENT, 2);
    println!("the child ended: {}", WaitOutcome(process::wait(child, 0)));
    show("without the child");
    second.unmap().expect("munmap");
    show("with nothing mapped");
    println!("failures of an mmap: {}", failures(fd));
    show("after these");
    file::close(fd).expect("close of the file");
    0
}

fn map(fd: i32) -> Result<Span, Errno> {
    Span::map_file(fd, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED)
}

#[allow(unsafe_code, reason = "ioctl may do anything to memory")]
fn areas(fd: i32) -> u64 {
    // SAFETY: the request only counts.
    unsafe { file::ioctl(fd, PROC_MMAP_AREAS, 0) }.expect("the file counts its areas")
}

/// Has each request for memory of an mmap fail, and says whether areas are balanced each time.
fn failures(fd: i32) -> &'static str {
    let fail_nth = FailNth::open().expect("open of fail-nth");
    for nth in 1..MAX_REQUESTS {
        let (mapped, has_failed) = fail_nth.during(nth, || map(fd));
        match mapped {
            Ok(span) => drop(span.unmap().expect("munmap")),
            Err(_) if !has_failed => return "it fails by itself",
            Err(_) => {}
        }
        if areas(fd) != 0 {
            return "an area is left";
        }
        if !has_failed {
            return if nth > 1 {
                "no area is left"
            } else {
                "it needs no memory"
            };
        }
    }
    "without end"
}
