//! Frames that cannot be asked for, and buffers that cannot take them.

use core::time::Duration;

use abi::PAGE_SIZE;
use abi::boot::KERNEL_PHYS;
use abi::linux::mman::PROT_READ;
use guest_user::syscall::time::sleep;
use guest_user::{ShadowTable, Span, child};

use crate::{Setting, at, fact, hole, in_child, kernel_page, memory_with, says, sleep_for_ever, untouched};

pub(crate) fn cases(setting: Setting) {
    let calls = setting.calls;
    let (other, others_frame) = another_process(setting);
    let table = setting.open().expect("shadowpt_open");
    calls.start().expect("shadowpt_start");
    let frame = table.entry(0).pfn;
    let buffer = untouched(1);

    fact("frame 0", calls.page_contents(0, buffer));
    fact(
        "a frame of the kernel's",
        calls.page_contents(KERNEL_PHYS / PAGE_SIZE, buffer),
    );
    fact(
        "a frame behind the end of memory",
        calls.page_contents(u64::from(u32::MAX), buffer),
    );
    fact(
        "one more than 32 bits hold",
        calls.page_contents(frame + (1 << 32), buffer),
    );
    fact("the largest number", calls.page_contents(u64::MAX, buffer));
    fact(
        "a frame of another process's",
        calls.page_contents(others_frame, buffer),
    );

    fact("to nowhere", calls.page_contents(frame, at(0)));
    fact("to where nothing is mapped", calls.page_contents(frame, hole()));
    fact("to the kernel's half", calls.page_contents(frame, kernel_page()));
    fact(
        "to the last addresses",
        calls.page_contents(frame, at(u64::MAX - PAGE_SIZE + 1)),
    );
    fact(
        "to memory that can only be read",
        calls.page_contents(frame, memory_with(PROT_READ)),
    );
    fact("to the table itself", calls.page_contents(frame, table.entries()));
    let two = untouched(2);
    two.part(PAGE_SIZE, PAGE_SIZE).unmap().expect("munmap");
    fact(
        "to memory that ends on the way",
        calls.page_contents(frame, starting_at(two, 8)),
    );

    fact(
        "to memory that nobody has touched",
        calls.page_contents(frame, buffer),
    );
    says("it is the target's", buffer.load(0));
    fact(
        "to an odd address",
        calls.page_contents(frame, starting_at(untouched(2), 1)),
    );
    fact(
        "after stop",
        calls.stop().and_then(|_| calls.page_contents(frame, buffer)),
    );
    in_child("a child of the inspector's", || {
        fact("  page contents", calls.page_contents(frame, buffer));
    });
    child::end(other);
    calls.close().expect("shadowpt_close");
}

/// A process that is no target later on, and the frame of a page that it has.
fn another_process(setting: Setting) -> (i32, u64) {
    let other = child::start(|| sleep_for_ever(setting.range, 3));
    sleep(Duration::from_millis(10));
    let table = ShadowTable::open(setting.calls, other, setting.start(), setting.end());
    let table = table.expect("shadowpt_open");
    setting.calls.start().expect("shadowpt_start");
    let frame = table.entry(0).pfn;
    setting.calls.close().expect("shadowpt_close");
    (other, frame)
}

/// A page's length of addresses from there on, whether or not the span is as long.
fn starting_at(span: Span, offset: u64) -> Span {
    at(span.address() + offset)
}
