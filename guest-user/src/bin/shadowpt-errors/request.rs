//! Structures that the kernel cannot read, or not change when it must.
#![allow(unsafe_code, reason = "passes addresses at which there is no structure")]

use abi::PAGE_SIZE;
use abi::linux::mman::{PROT_NONE, PROT_READ};
use abi::shadowpt::{MAX_SPT_RANGE, REQUEST_BYTES};
use guest_user::syscall::Errno;
use guest_user::{ShadowTable, Span};

use crate::{Setting, fact, hole, kernel_page, memory_with, untouched};

pub(crate) fn cases(setting: Setting) {
    let open = |address| {
        // SAFETY: what is there, if anything, is in a span, and so is the memory that it names.
        let opened = unsafe { setting.calls.open_at(setting.target, address) };
        setting.close_if_open(opened.map(drop))
    };
    fact("no structure", open(0));
    fact("where nothing is mapped", open(hole().address()));
    fact("in memory without access", open(memory_with(PROT_NONE).address()));
    fact("in the kernel's half", open(kernel_page().address()));
    fact("at the last address", open(u64::MAX - 7));

    let two = untouched(2);
    two.part(PAGE_SIZE, PAGE_SIZE).unmap().expect("munmap");
    let tail = two.part(PAGE_SIZE - 8, 8);
    tail.store_u64(0, setting.start());
    fact("that goes on where nothing is mapped", open(tail.address()));

    let usual = setting.end();
    let too_long = setting.start() + MAX_SPT_RANGE + PAGE_SIZE;
    fact(
        "that crosses into another page",
        open(across_pages(setting).address()),
    );
    fact("at an odd address", open(at_odd_address(setting).address()));
    fact("that can only be read", open(read_only(setting, usual).address()));
    fact(
        "that can only be read, with a range that is cut",
        open(read_only(setting, too_long).address()),
    );
    fact("the same, when it can be written", open_cut(setting, too_long));
}

/// A structure for the usual range that can only be read.
fn read_only(setting: Setting, end: u64) -> Span {
    let memory = untouched(1);
    fill(memory.part(0, REQUEST_BYTES), setting, end);
    memory.protect(PROT_READ).expect("mprotect");
    memory
}

fn across_pages(setting: Setting) -> Span {
    let request = untouched(2).part(PAGE_SIZE - 8, REQUEST_BYTES);
    fill(request, setting, setting.end());
    request
}

fn at_odd_address(setting: Setting) -> Span {
    let request = untouched(1).part(1, REQUEST_BYTES);
    fill(request, setting, setting.end());
    request
}

fn fill(request: Span, setting: Setting, end: u64) {
    let table = ShadowTable::map(setting.start(), end).expect("mmap");
    request.store_u64(0, setting.start());
    request.store_u64(8, end);
    request.store_u64(16, table.entries().address());
}

/// Whether the end comes back that is shown.
fn open_cut(setting: Setting, end: u64) -> Result<(), Errno> {
    let table = ShadowTable::map(setting.start(), end)?;
    let opened = setting
        .calls
        .open(setting.target, setting.start(), end, table.entries());
    if let Ok(shown) = opened {
        assert_eq!(
            shown,
            setting.start() + MAX_SPT_RANGE,
            "the range is cut to what is allowed"
        );
    }
    setting.close_if_open(opened.map(drop))
}
