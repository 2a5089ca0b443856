//! The process's own address space, from `/proc/self/maps`: what lies where, and who may do what there.
//!
//! Addresses and names are the kernel's choice, so regions are looked up by something that is known to lie in them.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, MAP_SHARED, PROT_NONE, PROT_READ, PROT_WRITE};
use guest_user::maps::{self, Region};
use guest_user::{Arguments, Span, println, program};

program!(main);

static CONSTANT: [u8; 8] = *b"constant";
static DATA: AtomicU8 = AtomicU8::new(1);
/// So long that the file's last page cannot hold it.
static ZERO: [AtomicU8; 3 * PAGE_SIZE as usize] = [const { AtomicU8::new(0) }; 3 * PAGE_SIZE as usize];

fn main(_: Arguments) -> i32 {
    let local = DATA.load(Relaxed);
    show("text", main as fn(Arguments) -> i32 as usize as u64);
    show("constants", &raw const CONSTANT as u64);
    show("data", &raw const DATA as u64);
    show("zero-initialised data", &raw const ZERO[ZERO.len() - 1] as u64);
    show("stack", &raw const local as u64);
    show("address 0", 0);

    let map = |prot, flags| Span::map(3 * PAGE_SIZE, prot, flags).expect("mmap");
    let private = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);
    show("private memory", private.address());
    show("shared memory", map(PROT_READ | PROT_WRITE, MAP_SHARED).address());
    show("memory without access", map(PROT_NONE, MAP_PRIVATE).address());

    let [first, middle, last] = [0, 1, 2].map(|page| private.part(page * PAGE_SIZE, PAGE_SIZE));
    first.protect(PROT_READ).expect("mprotect");
    middle.unmap().expect("munmap");
    show("private memory, its first page made read-only", first.address());
    show("private memory, its second page unmapped", middle.address());
    show("private memory, its last page", last.address());

    let mut end = 0;
    let (mut in_order, mut whole_pages, mut no_writable_code) = (true, true, true);
    maps::for_each(|region| {
        in_order &= end <= region.start && region.start < region.end;
        whole_pages &= region.start % PAGE_SIZE == 0 && region.end % PAGE_SIZE == 0;
        no_writable_code &= !matches!(region.permissions, [_, b'w', b'x', _]);
        end = region.end;
    });
    println!("regions are in order and apart: {in_order}");
    println!("regions are whole pages: {whole_pages}");
    println!("no region is writable and executable: {no_writable_code}");
    println!("pgdir pass");
    0
}

fn show(what: &str, address: u64) {
    match find(address) {
        Some(region) => println!("{what}: {}", region.permissions.escape_ascii()),
        None => println!("{what}: not mapped"),
    }
}

fn find(address: u64) -> Option<Region> {
    let mut found = None;
    maps::for_each(|region| {
        if (region.start..region.end).contains(&address) {
            found = Some(region);
        }
    });
    found
}
