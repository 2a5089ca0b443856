//! Handlers of signals: when they run, on what, what they are told, and how the program goes on. One fact a line.
#![no_std]
#![no_main]

mod actions;
mod alarms;
mod around;
mod children;
mod faults;
mod forged;
mod inheritance;
mod interrupted;
mod registers;
mod stacks;
mod stops;

use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering::SeqCst};

use guest_user::facts::{fact, section};
use guest_user::syscall::handler::{Action, Context, Information, set_action};
use guest_user::syscall::process;
use guest_user::syscall::signal::send_self;
use guest_user::{Arguments, println, program};

program!(main);

fn main(arguments: Arguments) -> i32 {
    if inheritance::is_after_execve(arguments) {
        return inheritance::after_execve();
    }
    if arguments.get(1) == Some(b"unwanted") {
        section("unwanted children", children::unwanted);
        return 0;
    }
    section("actions", actions::facts);
    section("registers", registers::facts);
    section("faults", faults::facts);
    section("stacks", stacks::facts);
    section("interrupted calls", interrupted::facts);
    section("children", children::facts);
    section("stops", stops::facts);
    section("alarms", alarms::facts);
    section("forged frames", forged::facts);
    println!("inheritance");
    inheritance::facts(arguments);
    0
}

/// What [`record`] was told, and how often it ran.
static RUNS: AtomicU32 = AtomicU32::new(0);
static SIGNAL: AtomicU32 = AtomicU32::new(0);
static CODE: AtomicI32 = AtomicI32::new(0);
static ADDRESS: AtomicU64 = AtomicU64::new(0);

/// The handler of whoever wants to know that it ran, and with what.
extern "C" fn record(signal: u32, information: &Information, _: &mut Context) {
    SIGNAL.store(signal, SeqCst);
    CODE.store(information.code(), SeqCst);
    ADDRESS.store(information.address(), SeqCst);
    RUNS.fetch_add(1, SeqCst);
}

/// How often [`record`] has run since it was asked last.
fn runs() -> u32 {
    RUNS.swap(0, SeqCst)
}

/// How often [`record`] has run, once it has: the signal is under way.
fn runs_then() -> u32 {
    while RUNS.load(SeqCst) == 0 {
        process::sched_yield();
    }
    runs()
}

fn on(signal: u32, action: Action) {
    set_action(signal, action).expect("rt_sigaction");
}
