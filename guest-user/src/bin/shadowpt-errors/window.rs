//! What can be done with the memory in which an open table is seen: reading it.

use abi::PAGE_SIZE;
use abi::linux::mman::{MADV_DONTNEED, MAP_FIXED, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE};
use abi::linux::syscall::{O_RDONLY, O_RDWR};
use abi::shadowpt::MAX_SPT_RANGE;
use guest_user::output::STANDARD_OUTPUT;
use guest_user::syscall::file;
use guest_user::{ShadowTable, child, print, println};

use crate::{READ_WRITE, Setting, fact, says};

pub(crate) fn cases(setting: Setting) {
    let calls = setting.calls;
    let store = child::run(|| {
        let table = setting.open().expect("shadowpt_open");
        table.entries().store(0, 1);
    });
    says("a store", store);
    let table = setting.open().expect("shadowpt_open");
    calls.start().expect("shadowpt_start");
    let memory = table.entries();
    let first = table.entry(0);

    fact("mprotect, to write", memory.protect(READ_WRITE));
    fact("mprotect, to write and not to read", memory.protect(PROT_WRITE));
    fact("mprotect, to read", memory.protect(PROT_READ));
    fact("madvise", memory.advise(MADV_DONTNEED));

    // The bytes of the first address in which its letters are.
    print!("  write of two bytes of it: ");
    let written = file::write_span(STANDARD_OUTPUT, memory.part(2, 2));
    println!(", {:?}", written.map_err(|errno| errno.0));
    let secret = file::open(c"secret", O_RDONLY).expect("open of the file");
    fact("read into it", file::read_span(secret, memory.part(0, 8)));
    let own_memory = file::open(c"/proc/self/mem", O_RDWR).expect("open of /proc/self/mem");
    fact(
        "a write to it through /proc/self/mem",
        file::write_at(own_memory, b"forged", memory.address()),
    );
    fact(
        "a read of it through /proc/self/mem",
        file::read_at(own_memory, &mut [0; 8], memory.address()),
    );
    file::close(own_memory).expect("close");
    file::close(secret).expect("close");
    says("it is as before", table.entry(0) == first);

    fact("mprotect, no access", memory.protect(PROT_NONE));
    fact("close", calls.close());
    says("it can be written", {
        memory.store(0, 7);
        memory.load(0) == 7
    });
    taken_away(setting);
}

/// The inspector unmaps, or maps over, what it sees the table in.
fn taken_away(setting: Setting) {
    let (calls, start) = (setting.calls, setting.start());
    let open = || {
        let table = ShadowTable::open(calls, setting.target, start, start + MAX_SPT_RANGE);
        let table = table.expect("shadowpt_open");
        calls.start().expect("shadowpt_start");
        table.entries()
    };
    let memory = open();
    fact("munmap of all", memory.unmap());
    fact("start", calls.start());
    fact("close", calls.close());
    let memory = open();
    fact(
        "munmap of a page in the middle",
        memory.part(4 * PAGE_SIZE, PAGE_SIZE).unmap(),
    );
    says("the page before", memory.load_u64(3 * PAGE_SIZE) != 0);
    fact("close", calls.close());
    says("the page before is zero", memory.load_u64(3 * PAGE_SIZE) == 0);
    let memory = open();
    let middle = memory.part(4 * PAGE_SIZE, PAGE_SIZE);
    fact(
        "mmap over a page in the middle",
        middle.map_here(READ_WRITE, MAP_PRIVATE | MAP_FIXED),
    );
    middle.store(0, 5);
    fact("close", calls.close());
    says("that page keeps what is in it", middle.load(0) == 5);
    let memory = open();
    fact(
        "mprotect of a part, no access",
        memory.part(0, PAGE_SIZE).protect(PROT_NONE),
    );
    fact("close", calls.close());
    says("that part can be written", {
        memory.store(0, 7);
        memory.load(0) == 7
    });
}
