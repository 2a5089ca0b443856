//! Who may know what: the superuser everything, others about their own processes, and no numbers of frames.
//!
//! A user other than the superuser cannot try any of this, so a line says that it is as it should be, or else what came instead.
#![allow(unsafe_code, reason = "execve takes an array of pointers")]

use core::ffi::CStr;

use abi::PAGE_SIZE;
use abi::linux::errno::EACCES;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::linux::pagemap::{EXCLUSIVE, FRAME_MASK, PRESENT};
use guest_user::syscall::credentials::{effective_user_id, set_group_id, set_user_id};
use guest_user::syscall::process::{self, parent_process_id};
use guest_user::syscall::{Errno, as_it_should_be};
use guest_user::{PageMap, Span, child, println};

use crate::processes::open_areas;

/// Path of this program.
const PATH: &CStr = c"pagemap";
/// Argument with which it is somebody's.
pub(crate) const AGAIN: &CStr = c"user";
const SOMEBODY: u32 = 54_321;

const OK: Result<(), Errno> = Ok(());
const REFUSED: Result<(), Errno> = Err(Errno(EACCES));

pub(crate) fn show() {
    let is_superuser = effective_user_id() == 0;
    let for_superuser = |right| if is_superuser { right } else { OK };
    let ended = child::run(|| {
        let before = PageMap::own();
        let _ = set_group_id(SOMEBODY);
        let _ = set_user_id(SOMEBODY);
        let span = touched();
        println!(
            "opened before, and told as then: {}",
            before.at(span.address()).0 & FRAME_MASK != 0 || !is_superuser
        );
        let own = process::process_id();
        fact(
            "own pages of one who was another",
            PageMap::of(own).map(|map| map.fd),
            for_superuser(REFUSED),
        );
        fact("own areas of one who was another", open_areas(own), OK);
        let argv = [PATH.as_ptr(), AGAIN.as_ptr(), core::ptr::null()];
        // SAFETY: a null pointer ends the array, and the others point at C strings.
        let errno = unsafe { process::execve(PATH, &argv) };
        println!("execve: {errno}");
    });
    println!("somebody ended: {ended}");
}

/// What another user's program finds.
pub(crate) fn as_somebody() {
    let span = touched();
    let word = PageMap::own().at(span.address());
    println!("one's own page: {}, number told: {}", word, word.has(FRAME_MASK));
    let is_whole = word.has(PRESENT) && word.has(EXCLUSIVE);
    println!("the rest is told: {is_whole}");
    let parent = parent_process_id();
    let other = if effective_user_id() == SOMEBODY {
        REFUSED
    } else {
        OK
    };
    fact("another's pages", PageMap::of(parent).map(|map| map.fd), other);
    fact("another's areas", open_areas(parent), other);
}

fn touched() -> Span {
    let span = Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    span.store(0, 1);
    span
}

fn fact(what: &str, found: Result<i32, Errno>, right: Result<(), Errno>) {
    println!("{what}: {}", as_it_should_be(found, right));
}
