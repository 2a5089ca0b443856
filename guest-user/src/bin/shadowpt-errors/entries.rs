//! Memory that cannot take the entries.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_NONE, PROT_READ};
use abi::linux::syscall::O_RDONLY;
use abi::shadowpt::MAX_SPT_RANGE;
use guest_user::Span;
use guest_user::syscall::file;

use crate::{READ_WRITE, Setting, at, fact, hole, kernel_page, memory_with, shared, untouched};

/// A file that the image has.
const FILE: &core::ffi::CStr = c"secret";

pub(crate) fn cases(setting: Setting) {
    let open = |entries| setting.try_open_in(entries);
    fact("nothing", open(at(0)));
    fact("where nothing is mapped", open(hole()));
    fact("in the kernel's half", open(kernel_page()));
    fact("at the last page of all", open(at(u64::MAX - PAGE_SIZE + 1)));
    fact("misaligned", open(untouched(2).part(8, PAGE_SIZE)));

    let stored = untouched(1);
    stored.store(0, 1);
    fact("touched by a store", open(stored));
    let loaded = untouched(1);
    let _ = loaded.load(0);
    fact("touched by a load", open(loaded));
    let protected = untouched(1);
    protected.store(0, 1);
    protected.protect(PROT_NONE).expect("mprotect");
    protected.protect(READ_WRITE).expect("mprotect");
    fact("touched, and protected in between", open(protected));

    fact("shared", open(shared()));
    fact("a file's", open(of_file()));
    fact("the stack's", open(of_stack()));
    fact("without access", open(memory_with(PROT_NONE)));
    fact("read-only", open(memory_with(PROT_READ)));
    large(setting);
}

/// Cases in which the entries take several pages.
fn large(setting: Setting) {
    let start = setting.start();
    let open = |entries| {
        let opened = setting
            .calls
            .open(setting.target, start, start + MAX_SPT_RANGE, entries);
        setting.close_if_open(opened.map(drop))
    };
    // 2048 entries of 24 bytes.
    let pages = 12;
    fact(
        "a page short",
        open(untouched(pages + 1).part(2 * PAGE_SIZE, (pages - 1) * PAGE_SIZE)),
    );

    let two_areas = untouched(pages);
    two_areas.part(0, PAGE_SIZE).protect(PROT_READ).expect("mprotect");
    fact("in two areas", open(two_areas));

    let with_hole = untouched(pages);
    with_hole.part(5 * PAGE_SIZE, PAGE_SIZE).unmap().expect("munmap");
    fact("with a hole", open(with_hole));

    let last_touched = untouched(pages);
    last_touched.store((pages - 1) * PAGE_SIZE, 1);
    fact("with its last page touched", open(last_touched));

    let part = untouched(pages + 2);
    part.store(0, 1);
    part.store((pages + 1) * PAGE_SIZE, 1);
    fact(
        "untouched, between touched pages",
        open(part.part(PAGE_SIZE, pages * PAGE_SIZE)),
    );
    fact(
        "the same memory once more",
        open(part.part(PAGE_SIZE, pages * PAGE_SIZE)),
    );
    let kept = [0, (pages + 1) * PAGE_SIZE].map(|offset| part.load(offset));
    assert_eq!(kept, [1, 1], "what is beside the entries stays");
}

fn of_file() -> Span {
    let fd = file::open(FILE, O_RDONLY).expect("open of the file");
    let mapping = Span::map_file(fd, 0, PAGE_SIZE, READ_WRITE, MAP_PRIVATE).expect("mmap of the file");
    file::close(fd).expect("close of the file");
    mapping
}

/// A page that the stack has room for and has not reached.
fn of_stack() -> Span {
    let here = 0_u8;
    let page = (&raw const here as u64) / PAGE_SIZE * PAGE_SIZE;
    at(page - 16 * PAGE_SIZE)
}
