//! The file of the program that runs, by `/proc/self/exe`.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_SHARED, PROT_READ};
use abi::linux::syscall::{O_RDONLY, SEEK_END};
use guest_user::syscall::file;
use guest_user::{Span, Text, child};

use crate::{byte_of, fact, outcome, own_file};

const LINK: &core::ffi::CStr = c"/proc/self/exe";

pub(crate) fn facts() {
    let (fd, len_bytes) = own_file();
    let link = file::open(LINK, O_RDONLY).expect("open of the link");
    fact("is as long", file::seek(link, 0, SEEK_END) == Ok(len_bytes));
    fact(
        "ends alike",
        byte_of(link, len_bytes - 1) == byte_of(fd, len_bytes - 1),
    );
    let span = Span::map_file(link, 0, PAGE_SIZE, PROT_READ, MAP_SHARED).expect("mmap");
    let first = byte_of(fd, 0);
    fact("begins alike", span.load(0) == first);
    file::close(link).expect("close");
    file::close(fd).expect("close");
    let mut buffer = [0; 256];
    let target = file::read_link(LINK, &mut buffer).expect("readlink");
    fact("has this name", target.ends_with(b"/mappings"));
    fact("from the root", target.first() == Some(&b'/'));
    fact(
        "in three bytes",
        file::read_link(LINK, &mut [0; 3]).map_or(0, <[u8]>::len),
    );
    fact("in none", outcome(file::read_link(LINK, &mut [])));
    fact(
        "of what is no link",
        outcome(file::read_link(c"/proc/self/maps", &mut [0; 8])),
    );
    fact(
        "of no program",
        outcome(file::read_link(c"mappings", &mut [0; 8])),
    );
    fact(
        "of nothing",
        outcome(file::read_link(c"/proc/self/nothing", &mut [0; 8])),
    );
    let child = child::start(child::wait_for_ever);
    let path = Text::<32>::of(format_args!("/proc/{child}/exe"));
    let of_child = file::open(path.as_c_str(), O_RDONLY).expect("open of the child's");
    fact(
        "a child's is as long",
        file::seek(of_child, 0, SEEK_END) == Ok(len_bytes),
    );
    child::end(child);
    fact(
        "when the child is gone",
        outcome(file::open(path.as_c_str(), O_RDONLY)),
    );
    fact("what was opened is there still", byte_of(of_child, 0) == first);
    file::close(of_child).expect("close");
}
