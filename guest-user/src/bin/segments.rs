//! The program's own segments: what is in them at the start, who may do what with them, and that stores to them are never
//! stores to the file.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use abi::PAGE_SIZE;
use guest_user::syscall::process;
use guest_user::{Arguments, Span, child, println, program};

program!(main);

/// Path and name of this program.
const PATH: &core::ffi::CStr = c"segments";
/// Argument of the second run.
const AGAIN: &core::ffi::CStr = c"again";

static CONSTANT: u64 = 0x0123_4567_89ab_cdef;
static INITIALISED: AtomicU64 = AtomicU64::new(CONSTANT);
/// So long that the file's last page cannot hold it.
static ZERO: [AtomicU8; 3 * PAGE_SIZE as usize] = [const { AtomicU8::new(0) }; 3 * PAGE_SIZE as usize];

fn main(arguments: Arguments) -> i32 {
    let run = if arguments.get(1) == Some(AGAIN.to_bytes()) {
        "second run"
    } else {
        "first run"
    };
    println!("{run}");
    show("at the start");

    println!(
        "store to text: {}",
        child::run(|| store_to(main as fn(Arguments) -> i32 as usize))
    );
    println!(
        "store to constants: {}",
        child::run(|| store_to(&raw const CONSTANT as usize))
    );
    println!("call of data: {}", child::run(call_data));

    let stores = child::run(|| {
        change(2);
        show("in a child that stored");
    });
    println!("child: {stores}");
    show("after that child");
    change(3);
    show("after stores");

    if run == "first run" { run_again() } else { 0 }
}

fn show(when: &str) {
    let sum: u64 = ZERO.iter().map(|byte| u64::from(byte.load(Relaxed))).sum();
    println!(
        "{when}: data {:#x}, sum of zeros {sum}",
        INITIALISED.load(Relaxed)
    );
}

fn change(value: u8) {
    INITIALISED.store(u64::from(value), Relaxed);
    for byte in ZERO.iter().step_by(PAGE_SIZE as usize) {
        byte.store(value, Relaxed);
    }
}

#[allow(unsafe_code, reason = "stores where Rust objects are, and are constant")]
fn store_to(address: usize) {
    // SAFETY: the store is one of the byte that is there already, should it succeed.
    let span = unsafe { Span::at(address as u64, 1) };
    span.store(0, span.load(0));
}

#[allow(unsafe_code, reason = "runs what was stored")]
fn call_data() {
    const RET: u8 = 0xc3;
    ZERO[0].store(RET, Relaxed);
    // SAFETY: the code is one `ret`, should the fetch succeed.
    unsafe { core::arch::asm!("call {}", in(reg) ZERO.as_ptr()) }
}

#[allow(unsafe_code, reason = "execve takes an array of pointers")]
fn run_again() -> i32 {
    let argv = [PATH.as_ptr(), AGAIN.as_ptr(), core::ptr::null()];
    // SAFETY: two NUL-terminated strings and a null.
    let errno = unsafe { process::execve(PATH, &argv) };
    println!("execve: {errno}");
    1
}
