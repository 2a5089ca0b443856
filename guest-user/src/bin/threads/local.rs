//! FS, which thread-local storage hangs on: every thread has a base of its own.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use guest_user::child;
use guest_user::syscall::process;
use guest_user::syscall::thread::{fs_base, set_fs_base};
use guest_user::thread::{Thread, word_at_fs};

use crate::{fact, start};

const THREADS: usize = 3;
const YIELDS: u32 = 10;

/// Looks at FS that found what they should.
static RIGHT: AtomicU32 = AtomicU32::new(0);
/// All bases that the threads found at their beginning, one upon the other.
static BASES: AtomicU64 = AtomicU64::new(0);
/// The first thread's FS base points here.
static MAINS: AtomicU32 = AtomicU32::new(0);

pub(crate) fn facts() {
    fact(
        "the first thread's base at the start",
        fs_base().expect("arch_prctl"),
    );
    let mine = &raw const MAINS as u64;
    set_fs_base(mine).expect("arch_prctl");
    let threads = [(); THREADS].map(|()| {
        start(|| {
            let own_address = word_at_fs();
            BASES.fetch_xor(own_address, Relaxed);
            for _ in 0..YIELDS {
                process::sched_yield();
                let is_right = word_at_fs() == own_address && fs_base() == Ok(own_address);
                RIGHT.fetch_add(u32::from(is_right), Relaxed);
            }
        })
    });
    let bases = threads.each_ref().map(Thread::control_block_address);
    threads.into_iter().for_each(Thread::join);
    fact(
        "each began with the base that it was made with",
        bases.iter().fold(0, |all, base| all ^ base) == BASES.load(Relaxed),
    );
    fact("looks of others that found their own", RIGHT.load(Relaxed));
    fact("the first thread's is as it was set", fs_base() == Ok(mine));
    let inherited = child::run(|| process::exit(i32::from(fs_base() != Ok(mine))));
    fact("a child that checks that it has the same", inherited);
    set_fs_base(0).expect("arch_prctl");
}
