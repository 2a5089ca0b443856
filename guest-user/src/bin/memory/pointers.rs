//! Addresses that the kernel is asked to read from.

use abi::linux::mman::PROT_NONE;
use guest_user::output::STANDARD_OUTPUT;
use guest_user::syscall::file::write_span;

use crate::{fact, kernel_page, outcome, page, private_pages};

/// No file is open under this number.
const CLOSED_FD: i32 = 999;
const LINE: &[u8] = b"  written from memory\n";

pub(crate) fn facts() {
    let memory = private_pages(2);
    fact("write to a closed file", outcome(write_span(CLOSED_FD, memory)));
    fact(
        "write of nothing",
        outcome(write_span(STANDARD_OUTPUT, memory.part(0, 0))),
    );
    fact(
        "write from the kernel's half",
        outcome(write_span(STANDARD_OUTPUT, kernel_page())),
    );
    page(memory, 0).protect(PROT_NONE).expect("mprotect");
    fact(
        "write from memory without access",
        outcome(write_span(STANDARD_OUTPUT, page(memory, 0))),
    );
    page(memory, 0).unmap().expect("munmap");
    fact(
        "write from unmapped memory",
        outcome(write_span(STANDARD_OUTPUT, page(memory, 0))),
    );

    let text = page(memory, 1);
    for (offset, byte) in (0..).zip(LINE) {
        text.store(offset, *byte);
    }
    fact(
        "write of a line",
        outcome(write_span(STANDARD_OUTPUT, text.part(0, LINE.len() as u64))),
    );
}
