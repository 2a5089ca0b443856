//! Threads: a function that runs beside its caller, in the same memory.
//!
//! Each thread has one mapping. At its top lies the thread's control block with the function to run; the stack grows down
//! from there to a page without access. FS points at the control block, whose first word is its own address, as the
//! x86-64 ABI has it for thread-local storage.
//!
//! ```text
//!   | no access |  <- stack  | entry, start | control block, body |
//!   lowest page               ^ RSP at the   ^ FS base
//!                               first instruction
//! ```
//!
//! The kernel stores the thread's number in the control block when it makes the thread, and clears it and wakes whoever
//! waits for that when the thread has ended: only then may the mapping go.
#![allow(
    unsafe_code,
    reason = "a new thread begins with nothing but a stack that is built by hand"
)]

use core::arch::{asm, naked_asm};
use core::sync::atomic::{AtomicU32, Ordering::Acquire};

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE};
use abi::linux::process::{
    CLONE_CHILD_CLEARTID, CLONE_FILES, CLONE_FS, CLONE_PARENT_SETTID, CLONE_SETTLS, CLONE_SIGHAND,
    CLONE_SYSVSEM, CLONE_THREAD, CLONE_VM,
};
use abi::linux::syscall as number;

use crate::Span;
use crate::new_stack::{self, Entry};
use crate::syscall::thread::exit_thread;
use crate::syscall::{Errno, from_raw, futex};

/// What the threads of a process have in common, and how their beginning and end are told.
const FLAGS: u64 = CLONE_VM
    | CLONE_FS
    | CLONE_FILES
    | CLONE_SIGHAND
    | CLONE_THREAD
    | CLONE_SYSVSEM
    | CLONE_SETTLS
    | CLONE_PARENT_SETTID
    | CLONE_CHILD_CLEARTID;
/// Bytes of a thread's mapping: stack, control block, and the page without access.
const MAPPING_BYTES: u64 = 9 * PAGE_SIZE;

/// A thread that was started and not yet waited for.
#[derive(Debug)]
pub struct Thread {
    memory: Span,
    control_block: &'static ControlBlock,
}

/// Starts a thread that runs `body`.
pub fn spawn<F: FnOnce() + Send + 'static>(body: F) -> Result<Thread, Errno> {
    let memory = Span::map(MAPPING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    memory.part(0, PAGE_SIZE).protect(PROT_NONE)?;

    let size_bytes = size_of::<Start<F>>().next_multiple_of(align_of::<Start<F>>().max(STACK_ALIGNMENT));
    assert!(
        size_bytes < PAGE_SIZE as usize,
        "a thread's function fits in its top page"
    );
    let start = (memory.end() - size_bytes as u64) as *mut Start<F>;
    let contents = Start {
        control_block: ControlBlock {
            own_address: start as u64,
            thread_id: AtomicU32::new(0),
        },
        body,
    };
    // SAFETY: the top of the new mapping has room for it, is aligned for it, and nobody else knows of it.
    unsafe { start.write(contents) };
    let entry_words = start.cast::<Entry>().wrapping_sub(1);
    let entry: extern "C" fn(*mut Start<F>) -> ! = enter::<F>;
    // SAFETY: the stack below the start block has room for two words and is aligned.
    unsafe { entry_words.write([entry as usize as u64, start as u64]) };

    // SAFETY: a `Start` begins with its control block, which lives until `join` unmaps it, or else for ever.
    let control_block = unsafe { &*start.cast::<ControlBlock>() };
    let thread_id = control_block.thread_id.as_ptr();
    // SAFETY: the stack holds what the new thread pops, and `body` may be run by another thread, for it is `Send`.
    from_raw(unsafe { clone(FLAGS, entry_words, thread_id, thread_id, start as u64) })?;
    Ok(Thread {
        memory,
        control_block,
    })
}

impl Thread {
    /// Waits for the thread's end and gives its memory back.
    pub fn join(self) {
        let word = &self.control_block.thread_id;
        loop {
            match word.load(Acquire) {
                0 => break,
                // Whatever the answer is, the word tells whether the thread has ended.
                thread_id => drop(futex::wait(word, thread_id, None)),
            }
        }
        self.memory.unmap().expect("munmap of an ended thread's memory");
    }

    /// Where the thread's control block is, which is the thread's FS base.
    #[must_use]
    pub fn control_block_address(&self) -> u64 {
        self.control_block.own_address
    }
}

/// The calling thread's word at FS:0, which in a spawned thread is the address of its control block.
#[must_use]
pub fn word_at_fs() -> u64 {
    let word: u64;
    // SAFETY: the load changes nothing; without an FS base it ends the process.
    unsafe { asm!("mov {}, qword ptr fs:[0]", out(reg) word, options(nostack, preserves_flags)) };
    word
}

/// What the kernel and the ABI know of a thread.
#[repr(C)]
#[derive(Debug)]
struct ControlBlock {
    own_address: u64,
    thread_id: AtomicU32,
}

/// A control block, and what the thread is to do.
#[repr(C)]
struct Start<F> {
    control_block: ControlBlock,
    body: F,
}

const STACK_ALIGNMENT: usize = 16;

extern "C" fn enter<F: FnOnce()>(start: *mut Start<F>) -> ! {
    // SAFETY: `start` points at what `spawn` put there.
    let body = unsafe { &raw mut (*start).body };
    // SAFETY: the body is this thread's, which takes it out once.
    let body = unsafe { body.read() };
    body();
    exit_thread(0)
}

/// clone(flags, stack, parent_tid, child_tid, tls): in the caller, the raw result. The new thread enters the stack.
///
/// # Safety
///
/// As for [`new_stack::enter`].
#[unsafe(naked)]
unsafe extern "C" fn clone(
    flags: u64,
    stack: *mut Entry,
    parent_tid: *mut u32,
    child_tid: *mut u32,
    tls: u64,
) -> i64 {
    naked_asm!(
        "mov r10, rcx",
        "mov eax, {CLONE}",
        "syscall",
        "test rax, rax",
        "jnz 2f",
        "mov rdi, rsp",
        "jmp {enter}",
        "2:",
        "ret",
        CLONE = const number::CLONE,
        enter = sym new_stack::enter,
    )
}
