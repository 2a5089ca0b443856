//! Pages of one process, and the ways to read what is told of them.

use abi::PAGE_SIZE;
use abi::linux::mman::{MADV_DONTNEED, MAP_PRIVATE, MAP_SHARED, PROT_NONE, PROT_READ, PROT_WRITE};
use abi::linux::pagemap::ENTRY_BYTES;
use abi::linux::syscall::{O_RDWR, SEEK_CUR, SEEK_END, SEEK_SET};
use guest_user::syscall::{Outcome, file};
use guest_user::{PageMap, PageWord, Span, println};

const READ_WRITE: u64 = PROT_READ | PROT_WRITE;
/// An address in the kernel's half.
const KERNEL: u64 = 0xffff_8000_0000_0000;

pub(crate) fn show() {
    let map = PageMap::own();
    memory(map);
    reading(map);
    map.close();
}

fn memory(map: PageMap) {
    let span = Span::map(4 * PAGE_SIZE, READ_WRITE, MAP_PRIVATE).expect("mmap");
    let at = |page| map.at(span.address() + page * PAGE_SIZE);
    println!("not touched: {}", at(0));
    span.store(0, 1);
    span.store(PAGE_SIZE, 1);
    println!("stored to: {}", at(0));
    println!(
        "the next one: {}, in the same frame: {}",
        at(1),
        at(0).is_with(at(1), false)
    );
    println!("still not touched: {}", at(2));
    let address = span.address() + 123;
    let frame = at(0).translate(span.address());
    println!(
        "addresses keep their place in the page: {}",
        at(0).translate(address) == frame + 123
    );
    span.part(0, PAGE_SIZE).protect(PROT_NONE).expect("mprotect");
    println!("without any access: {}", at(0));
    span.part(0, PAGE_SIZE).protect(PROT_READ).expect("mprotect");
    println!("to be read: {}", at(0));
    span.part(PAGE_SIZE, PAGE_SIZE)
        .advise(MADV_DONTNEED)
        .expect("madvise");
    println!("dropped: {}", at(1));
    span.part(0, PAGE_SIZE).unmap().expect("munmap");
    println!("unmapped: {}", at(0));

    let shared = Span::map(2 * PAGE_SIZE, READ_WRITE, MAP_SHARED).expect("mmap");
    let at = |page| map.at(shared.address() + page * PAGE_SIZE);
    shared.store(0, 1);
    println!("shared, stored to: {}", at(0));
    println!("shared, not touched: {}", at(1));
    shared.part(0, PAGE_SIZE).advise(MADV_DONTNEED).expect("madvise");
    println!("shared, dropped: {}", at(0));
}

fn reading(map: PageMap) {
    let span = Span::map(3 * PAGE_SIZE, READ_WRITE, MAP_PRIVATE).expect("mmap");
    span.store(PAGE_SIZE, 1);
    let position = PageMap::offset_of(span.address());
    let mut bytes = [0; 3 * ENTRY_BYTES as usize];
    let sought = file::seek(map.fd, position as i64, SEEK_SET);
    println!("lseek goes there: {}", sought == Ok(position));
    println!(
        "bytes of three words: {:?}",
        file::read(map.fd, &mut bytes).expect("read")
    );
    for word in bytes.as_chunks().0 {
        println!("  {}", PageWord(u64::from_le_bytes(*word)));
    }
    let next = file::seek(map.fd, 0, SEEK_CUR);
    println!(
        "the position is behind them: {}",
        next == Ok(position + 3 * ENTRY_BYTES)
    );
    println!(
        "lseek from the end: {}",
        Outcome::from(file::seek(map.fd, 0, SEEK_END))
    );
    let mut read = |count: usize, position| file::read_at(map.fd, &mut bytes[..count], position);
    println!("no word: {:?}", read(0, position).expect("pread"));
    println!("half a word: {}", Outcome::from(read(4, position)));
    println!("between words: {}", Outcome::from(read(8, position + 4)));
    println!("no word between words: {}", Outcome::from(read(0, position + 4)));
    println!(
        "the kernel's half: {:?}",
        read(8, PageMap::offset_of(KERNEL)).expect("pread")
    );
    println!("before the start: {}", Outcome::from(read(8, u64::MAX - 7)));
    let nowhere = span.part(2 * PAGE_SIZE, PAGE_SIZE);
    nowhere.unmap().expect("munmap");
    let to_nowhere = file::read_span(map.fd, nowhere.part(0, 2 * ENTRY_BYTES));
    println!("to nowhere: {}", Outcome::from(to_nowhere));
    println!("writing: {}", Outcome::from(file::write(map.fd, &[0; 8])));
    let maps = file::open(c"/proc/self/maps", O_RDWR);
    println!("maps for writing: {}", is_for_superuser(maps.is_ok()));
}

/// Only the superuser can open what nobody may write to.
fn is_for_superuser(is_open: bool) -> &'static str {
    let is_superuser = guest_user::syscall::credentials::effective_user_id() == 0;
    if is_open == is_superuser {
        "as it should be"
    } else {
        "not as it should be"
    }
}
