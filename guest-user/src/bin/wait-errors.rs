//! wait4: refusals, waiting without blocking, for one child of several, and how long a status is kept.
#![no_std]
#![no_main]

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_SHARED, PROT_NONE, PROT_READ, PROT_WRITE};
use abi::linux::process::WNOHANG;
use guest_user::syscall::process::{self, ANY_CHILD, WaitOutcome};
use guest_user::{Arguments, Span, child, println, program};

program!(main);

/// No option of wait4 has this bit.
const BAD_OPTION: u64 = 1 << 20;

fn main(_: Arguments) -> i32 {
    without_children();
    bad_arguments();
    without_blocking();
    in_another_order();
    first_to_end_first();
    grandchildren_are_not_children();
    without_children();
    0
}

fn without_children() {
    println!(
        "no children, any child: {}",
        WaitOutcome(process::wait(ANY_CHILD, 0))
    );
    println!(
        "no children, without blocking: {}",
        WaitOutcome(process::wait(ANY_CHILD, WNOHANG))
    );
    println!(
        "no children, oneself: {}",
        WaitOutcome(process::wait(process::process_id(), 0))
    );
}

#[allow(unsafe_code, reason = "passes an address that is none")]
fn bad_arguments() {
    let child = child::start(|| process::exit(1));
    println!(
        "unknown option: {}",
        WaitOutcome(process::wait(child, BAD_OPTION))
    );
    println!(
        "a process that is no child: {}",
        WaitOutcome(process::wait(process::process_id(), 0))
    );
    let no_access = Span::map(PAGE_SIZE, PROT_NONE, MAP_SHARED).expect("mmap");
    // SAFETY: no Rust object lies in a span.
    match unsafe { process::wait_into(child, no_access.address()) } {
        Ok(_) => println!("status to memory without access: taken"),
        Err(errno) => println!("status to memory without access: {errno}"),
    }
    let child = child::start(|| process::exit(2));
    // SAFETY: nothing is written at address 0: it means that the status is not wanted.
    match unsafe { process::wait_into(child, 0) } {
        Ok(pid) => println!("status not wanted: the child's id: {}", pid == child),
        Err(errno) => println!("status not wanted: {errno}"),
    }
}

fn without_blocking() {
    let gate = Gate::closed();
    let child = child::start(|| {
        gate.pass();
        process::exit(3)
    });
    println!(
        "a living child, without blocking: {}",
        WaitOutcome(process::wait(child, WNOHANG))
    );
    println!(
        "a living child, any, without blocking: {}",
        WaitOutcome(process::wait(ANY_CHILD, WNOHANG))
    );
    gate.open();
    println!(
        "the same child, after it may end: {}",
        WaitOutcome(process::wait(child, 0))
    );
    println!(
        "the same child, once more: {}",
        WaitOutcome(process::wait(child, 0))
    );
}

fn in_another_order() {
    let children = [4, 5, 6].map(|status| child::start(move || process::exit(status)));
    for (name, child) in [
        ("third", children[2]),
        ("first", children[0]),
        ("second", children[1]),
    ] {
        println!(
            "three children, the {name}: {}",
            WaitOutcome(process::wait(child, 0))
        );
    }
}

fn first_to_end_first() {
    let gate = Gate::closed();
    let held = child::start(|| {
        gate.pass();
        process::exit(7)
    });
    let free = child::start(|| process::exit(8));
    let ended = process::wait(ANY_CHILD, 0);
    println!("any child while the older one is held: {}", WaitOutcome(ended));
    println!(
        "it is the younger one: {}",
        ended.ok().flatten().map(|ended| ended.pid) == Some(free)
    );
    gate.open();
    let ended = process::wait(ANY_CHILD, 0);
    println!("any child after that: {}", WaitOutcome(ended));
    println!(
        "it is the older one: {}",
        ended.ok().flatten().map(|ended| ended.pid) == Some(held)
    );
}

fn grandchildren_are_not_children() {
    let ids = Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED).expect("mmap");
    let gate = Gate::closed();
    let child = child::start(|| {
        let grandchild = child::start(|| {
            gate.pass();
            process::exit(9)
        });
        ids.store_u64(0, grandchild as u64);
        println!(
            "the grandchild, by its parent: {}",
            WaitOutcome(process::wait(grandchild, 0))
        );
        process::exit(10)
    });
    let grandchild = loop {
        match ids.load_u64(0) {
            0 => process::sched_yield(),
            id => break id as i32,
        }
    };
    println!(
        "the grandchild, by its grandparent: {}",
        WaitOutcome(process::wait(grandchild, 0))
    );
    gate.open();
    println!("the child: {}", WaitOutcome(process::wait(child, 0)));
}

/// Holds a child until its parent lets it go.
#[derive(Clone, Copy)]
struct Gate {
    flag: Span,
}

impl Gate {
    fn closed() -> Self {
        Self {
            flag: Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED).expect("mmap"),
        }
    }

    fn open(self) {
        self.flag.store(0, 1);
    }

    fn pass(self) {
        while self.flag.load(0) == 0 {
            process::sched_yield();
        }
    }
}
