//! mmap of anonymous private memory.

use abi::PAGE_SIZE;
use abi::linux::mman::{
    MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_PRIVATE, MAP_TYPE, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE,
};
use guest_user::syscall::memory::NO_FILE;
use guest_user::{Span, child};

use crate::{
    READ_WRITE, TOO_MANY_BYTES, fact, fate_of_load, fate_of_store, kernel_page, outcome, page, private_pages,
};

/// No file is open under this number.
const CLOSED_FD: i32 = 999;
/// An encoding of `ret`.
const RET: u8 = 0xc3;

pub(crate) fn facts() {
    contents();
    placement();
    access();
    refusals();
}

fn contents() {
    let memory = private_pages(2);
    fact(
        "new memory is zero",
        (0..2 * PAGE_SIZE).all(|offset| memory.load(offset) == 0),
    );
    memory.store(PAGE_SIZE, 7);
    fact("a stored byte stays", memory.load(PAGE_SIZE));
    fact("the byte before it", memory.load(PAGE_SIZE - 1));

    let byte = Span::map(1, READ_WRITE, MAP_PRIVATE).expect("mmap of one byte");
    fact(
        "one byte is mapped at a page boundary",
        byte.address().is_multiple_of(PAGE_SIZE),
    );
    let whole_page = byte.map_here(READ_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE);
    fact("the rest of its page is taken", outcome(whole_page));
}

fn placement() {
    let memory = private_pages(3);
    let middle = page(memory, 1);
    middle.store(0, 7);
    let again = middle
        .map_here(READ_WRITE, MAP_PRIVATE)
        .expect("mmap with a taken hint");
    fact("a hint that is taken is followed", again == middle);
    fact(
        "MAP_FIXED_NOREPLACE over memory",
        outcome(middle.map_here(READ_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE)),
    );
    fact("contents after these", middle.load(0));

    let replaced = middle
        .map_here(READ_WRITE, MAP_PRIVATE | MAP_FIXED)
        .expect("mmap with MAP_FIXED");
    fact("MAP_FIXED is followed", replaced == middle);
    fact("contents after MAP_FIXED", middle.load(0));

    middle.unmap().expect("munmap");
    let hinted = middle
        .map_here(READ_WRITE, MAP_PRIVATE)
        .expect("mmap with a free hint");
    fact("a hint that is free is followed", hinted == middle);
    middle.unmap().expect("munmap");
    let fixed = middle.map_here(READ_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE);
    fact("MAP_FIXED_NOREPLACE where nothing is", outcome(fixed));
}

fn access() {
    let memory = |prot| Span::map(PAGE_SIZE, prot, MAP_PRIVATE).expect("mmap");
    let none = memory(PROT_NONE);
    fact("load from PROT_NONE", fate_of_load(none, 0));
    fact("store to PROT_NONE", fate_of_store(none, 0));
    let read_only = memory(PROT_READ);
    fact("load from PROT_READ", fate_of_load(read_only, 0));
    fact("store to PROT_READ", fate_of_store(read_only, 0));
    let write_only = memory(PROT_WRITE);
    fact("load from PROT_WRITE", fate_of_load(write_only, 0));
    fact("store to PROT_WRITE", fate_of_store(write_only, 0));

    let writable = memory(READ_WRITE);
    writable.store(0, RET);
    fact("call of PROT_READ and PROT_WRITE", child::run(|| call(writable)));
    let executable = memory(READ_WRITE | PROT_EXEC);
    executable.store(0, RET);
    fact(
        "call of PROT_READ, PROT_WRITE and PROT_EXEC",
        child::run(|| call(executable)),
    );
}

#[allow(unsafe_code, reason = "runs what was stored")]
fn call(code: Span) {
    // SAFETY: the code is one `ret`.
    unsafe { core::arch::asm!("call {}", in(reg) code.address()) }
}

fn refusals() {
    let map = |len_bytes, flags| outcome(Span::map(len_bytes, READ_WRITE, flags));
    fact("no length", map(0, MAP_PRIVATE));
    fact(
        "a length that no address space holds",
        map(TOO_MANY_BYTES, MAP_PRIVATE),
    );
    fact("a length that wraps when rounded up", map(u64::MAX, MAP_PRIVATE));
    fact("neither private nor shared", map(PAGE_SIZE, 0));
    fact("an unknown mapping type", map(PAGE_SIZE, MAP_TYPE));
    fact(
        "no file and not anonymous",
        outcome(Span::map_file(NO_FILE, 0, PAGE_SIZE, PROT_READ, MAP_PRIVATE)),
    );
    fact(
        "a closed file",
        outcome(Span::map_file(CLOSED_FD, 0, PAGE_SIZE, PROT_READ, MAP_PRIVATE)),
    );
    fact(
        "a misaligned offset",
        outcome(Span::map_file(NO_FILE, 1, PAGE_SIZE, PROT_READ, MAP_PRIVATE)),
    );

    let misaligned = private_pages(2).part(1, PAGE_SIZE);
    fact(
        "MAP_FIXED at a misaligned address",
        outcome(misaligned.map_here(READ_WRITE, MAP_PRIVATE | MAP_FIXED)),
    );
    let hinted = misaligned.map_here(READ_WRITE, MAP_PRIVATE);
    fact("a misaligned hint", outcome(hinted));
    fact(
        "MAP_FIXED in the kernel's half",
        outcome(kernel_page().map_here(READ_WRITE, MAP_PRIVATE | MAP_FIXED)),
    );
}
