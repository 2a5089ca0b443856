//! Process groups: who may put whom into which, signals to a group, and waiting for one.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "execve takes an array of pointers")]

use core::ffi::CStr;

use abi::linux::process::{SIGKILL, SIGTERM, WNOHANG};
use guest_user::syscall::Outcome;
use guest_user::syscall::group::{group_of, own_group, set_group};
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::{Arguments, Board, child, println, program};

program!(main);

/// Argument of the program that a child becomes: it waits for ever.
const WAIT: &CStr = c"wait";
/// No process and no group has this number.
const NOBODY: i32 = i32::MAX;
/// Word on boards.
const READY: u64 = 0;

fn main(arguments: Arguments) -> i32 {
    if arguments.get(1) == Some(WAIT.to_bytes()) {
        child::wait_for_ever();
    }
    // In a group of its own, so that no signal here reaches anyone else.
    println!("a child: {}", child::run(|| facts(arguments)));
    0
}

fn facts(arguments: Arguments) {
    let (parent, own) = (process::parent_process_id(), process::process_id());
    fact(
        "a child is in its parent's group",
        Ok(own_group()) == group_of(parent),
    );
    println!("  a group of its own: {}", Outcome::from(set_group(0, 0)));
    fact("it is named after the process", own_group() == own);
    fact(
        "and told to others",
        group_of(own) == Ok(own) && group_of(0) == Ok(own),
    );
    println!("  once more: {}", Outcome::from(set_group(own, own)));
    changes(parent, arguments);
    signals();
    waiting();
}

fn changes(parent: i32, arguments: Arguments) {
    let own = own_group();
    let member = child::start(child::wait_for_ever);
    fact("a grandchild is in the group", group_of(member) == Ok(own));
    println!("  a group for it: {}", Outcome::from(set_group(member, 0)));
    fact("it has it", group_of(member) == Ok(member));
    println!("  back: {}", Outcome::from(set_group(member, own)));
    println!(
        "  a group that is none: {}",
        Outcome::from(set_group(member, NOBODY))
    );
    println!("  a negative group: {}", Outcome::from(set_group(member, -1)));
    println!("  nobody: {}", Outcome::from(set_group(NOBODY, 0)));
    println!("  a negative process: {}", Outcome::from(set_group(-1, own)));
    println!("  the parent: {}", Outcome::from(set_group(parent, own)));
    println!("  the group of nobody: {}", Outcome::from(group_of(NOBODY)));
    child::end(member);

    let path = arguments.c_str(0).expect("a program has a name");
    let other = child::start(|| {
        let argv = [path.as_ptr(), WAIT.as_ptr(), core::ptr::null()];
        // SAFETY: two strings and a null pointer.
        panic!("execve: {}", unsafe { process::execve(path, &argv) });
    });
    // By the time at which it is refused the child has called execve.
    let refused = loop {
        match set_group(other, 0) {
            Ok(()) => process::sched_yield(),
            Err(errno) => break errno,
        }
    };
    println!("  a child with another program: {refused}");
    child::end(other);
}

fn signals() {
    let own = own_group();
    let [first, second, outside] = [(); 3].map(|()| child::start(child::wait_for_ever));
    set_group(first, 0).expect("setpgid");
    set_group(second, first).expect("setpgid");
    println!(
        "  whether the group is there: {}",
        Outcome::from(process::kill(-first, 0))
    );
    println!(
        "  to the group: {}",
        Outcome::from(process::kill(-first, SIGTERM.into()))
    );
    println!("  its first: {}", WaitOutcome(process::wait(first, 0)));
    println!("  to the rest of it: {}", Outcome::from(process::kill(-first, 0)));
    println!("  its second: {}", WaitOutcome(process::wait(second, 0)));
    println!(
        "  to nobody: {}",
        Outcome::from(process::kill(-first, SIGTERM.into()))
    );
    println!("  to no group: {}", Outcome::from(process::kill(i32::MIN, 0)));
    println!(
        "  who is not in it: {}",
        WaitOutcome(process::wait(outside, WNOHANG))
    );
    fact("it is here", group_of(outside) == Ok(own));
    child::end(outside);

    let board = Board::new();
    let sender = child::start(|| {
        board.wait_for(READY, 1);
        process::kill(0, SIGKILL.into()).expect("kill");
    });
    let member = child::start(child::wait_for_ever);
    set_group(sender, 0).expect("setpgid");
    set_group(member, sender).expect("setpgid");
    board.post(READY, 1);
    println!("  to the own group: {}", WaitOutcome(process::wait(sender, 0)));
    println!("  another one of it: {}", WaitOutcome(process::wait(member, 0)));
}

fn waiting() {
    let [here, there] = [(); 2].map(|()| child::start(child::wait_for_ever));
    set_group(there, 0).expect("setpgid");
    for pid in [here, there] {
        process::kill(pid, SIGKILL.into()).expect("kill");
    }
    println!("  a child of a group: {}", WaitOutcome(process::wait(-there, 0)));
    println!("  another: {}", WaitOutcome(process::wait(-there, 0)));
    println!("  a child of the own group: {}", WaitOutcome(process::wait(0, 0)));
    println!("  another: {}", WaitOutcome(process::wait(0, 0)));
    println!("  of no group: {}", WaitOutcome(process::wait(i32::MIN, 0)));

    let board = Board::new();
    let held = child::start(|| {
        board.wait_for(READY, 1);
        process::exit(4)
    });
    set_group(held, 0).expect("setpgid");
    println!(
        "  none of them has ended: {}",
        WaitOutcome(process::wait(-held, WNOHANG))
    );
    board.post(READY, 1);
    println!("  one has: {}", WaitOutcome(process::wait(-held, 0)));
}

fn fact(what: &str, holds: bool) {
    println!("  {what}: {holds}");
}
