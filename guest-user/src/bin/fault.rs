//! Does what its argument names, which ends the process with a signal.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "each kind breaks a rule that safe code keeps")]

use core::arch::asm;

use abi::PAGE_SIZE;
use abi::boot::DIRECT_MAP_BASE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::paging::USER_END;
use guest_user::{Arguments, Span, println, program};

program!(main);

/// Exit status of a process that lived on, or was asked for a kind that does not exist.
const FAILURE_STATUS: i32 = 1;

const KINDS: [(&str, fn()); 11] = [
    ("null-read", null_read),
    ("null-write", null_write),
    ("text-write", text_write),
    ("exec-data", exec_data),
    ("div-zero", div_zero),
    ("illegal", illegal),
    ("kernel-read", kernel_read),
    ("kernel-write", kernel_write),
    ("non-canonical", non_canonical),
    ("privileged", privileged),
    ("stack-overflow", stack_overflow),
];

fn main(arguments: Arguments) -> i32 {
    let name = arguments.get(1).unwrap_or_default();
    match KINDS.iter().find(|(kind, _)| kind.as_bytes() == name) {
        Some((kind, fault)) => {
            println!("fault: {kind}");
            fault();
            println!("still alive");
        }
        None => {
            println!("usage: fault <kind>");
            for (kind, _) in KINDS {
                println!("  {kind}");
            }
        }
    }
    FAILURE_STATUS
}

fn null_read() {
    let _ = anywhere(0).load(0);
}

fn null_write() {
    anywhere(0).store(0, 1);
}

fn text_write() {
    let text = main as fn(Arguments) -> i32;
    // The byte that is there already: a kernel that lets the store through does no further harm.
    let span = anywhere(text as usize as u64);
    span.store(0, span.load(0));
}

fn exec_data() {
    const RET: u8 = 0xc3;
    let data = Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    data.store(0, RET);
    // SAFETY: `ret` returns at once, should the fetch succeed.
    unsafe { asm!("call {}", in(reg) data.address()) }
}

fn div_zero() {
    // SAFETY: the division changes RAX and RDX alone, should it succeed. Rust would check for the zero first.
    unsafe { asm!("div {}", in(reg) 0_u64, inout("rax") 1_u64 => _, inout("rdx") 0_u64 => _) }
}

fn illegal() {
    // SAFETY: there is nothing that the instruction could do.
    unsafe { asm!("ud2") }
}

fn kernel_read() {
    let _ = anywhere(DIRECT_MAP_BASE).load(0);
}

fn kernel_write() {
    anywhere(DIRECT_MAP_BASE).store(0, 1);
}

fn non_canonical() {
    let _ = anywhere(USER_END).load(0);
}

fn privileged() {
    // SAFETY: a kernel that lets it pass only waits for an interrupt.
    unsafe { asm!("hlt") }
}

fn stack_overflow() {
    // SAFETY: pushes only below all frames, until there is no more stack.
    unsafe { asm!("2:", "push rax", "jmp 2b", options(noreturn)) }
}

fn anywhere(address: u64) -> Span {
    // SAFETY: no Rust object lies at 0 or past the user half; at the text, the store changes nothing.
    unsafe { Span::at(address, 1) }
}
