//! The stacks that agents run on: memory that fork shares, made and touched before it is needed ([`abi::agent`]).
//!
//! A child begins on a stack of its own with an [`Agent`] that its parent has put there. It has its parent's stack mapped, too, and
//! leaves it alone.
//!
//! ```text
//!   <- stack  | entry, agent | Agent |
//!             ^ RSP at the first instruction
//! ```
#![allow(
    unsafe_code,
    reason = "an agent begins with nothing but a stack that is built by hand"
)]

use abi::agent::{STACK_BYTES, STACKS_BASE};
use abi::linux::errno::{EEXIST, EFAULT, ENOMEM};
use abi::linux::mman::{MAP_FIXED_NOREPLACE, MAP_SHARED, PROT_READ, PROT_WRITE};
use guest_user::Span;
use guest_user::new_stack::{self, Entry};
use guest_user::syscall::{Errno, process, signal};

use crate::Agent;
use crate::transport::Transport;

/// Alignment of a stack at a function's call.
const STACK_ALIGNMENT: usize = 16;

/// Goes on as this agent, on the stack of its channel.
pub(crate) fn begin<T: Transport>(channel: u64, agent: Agent<T>) -> ! {
    let stack = map(channel).unwrap_or_else(|errno| panic!("mmap a stack for channel {channel}: {errno}"));
    let entry = put(stack, agent);
    // SAFETY: `put` made the entry, and nothing on the stack so far is needed any more.
    unsafe { new_stack::enter(entry) }
}

/// Forks a process that is this agent, on the stack of its channel. Gives its process id, to the parent only.
///
/// Kept out of line, as an agent may have large buffers.
#[inline(never)]
pub(crate) fn fork<T: Transport>(channel: u64, child: Agent<T>) -> Result<i32, Errno> {
    let stack = map(channel)?;
    let entry = put(stack, child);
    // SAFETY: `put` made the entry, and no other process has a use for the channel's stack.
    let forked = unsafe { process::fork_onto(entry) };
    // It is the child's from now on. What becomes of a mapping that a kernel leaves there is no matter of fork's: the address is not
    // used again.
    let _ = stack.unmap();
    forked
}

/// Memory for the stack of a channel, with a frame behind its first page.
fn map(channel: u64) -> Result<Span, Errno> {
    // SAFETY: no process uses the stack of a channel before its agent does, and that runs on it alone.
    let place = unsafe { Span::at(STACKS_BASE + channel * STACK_BYTES, STACK_BYTES) };
    let stack = place.map_here(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE)?;
    if stack != place {
        let _ = stack.unmap();
        return Err(Errno(EEXIST));
    }
    // When there is no memory a store would end the process. The kernel is refused in a way that can be told.
    let touched =
        signal::read_mask_into(stack.part(STACK_BYTES - size_of::<u64>() as u64, size_of::<u64>() as u64));
    if touched == Err(Errno(EFAULT)) {
        let _ = stack.unmap();
        return Err(Errno(ENOMEM));
    }
    Ok(stack)
}

/// Puts the agent on top of a new stack, and what it needs to begin.
fn put<T: Transport>(stack: Span, agent: Agent<T>) -> *mut Entry {
    const { assert!(align_of::<Agent<T>>() <= STACK_ALIGNMENT) };
    let size_bytes = size_of::<Agent<T>>().next_multiple_of(STACK_ALIGNMENT);
    let place = (stack.end() - size_bytes as u64) as *mut Agent<T>;
    // SAFETY: the top of the new mapping has room for it, is aligned for it, and nobody else knows of it.
    unsafe { place.write(agent) };
    let entry = place.cast::<Entry>().wrapping_sub(1);
    let run: extern "C" fn(*mut Agent<T>) -> ! = run::<T>;
    // SAFETY: the stack below the agent has room for two words and is aligned.
    unsafe { entry.write([run as usize as u64, place as u64]) };
    entry
}

extern "C" fn run<T: Transport>(agent: *mut Agent<T>) -> ! {
    // SAFETY: `put` put it there for this process alone, which runs on the stack below it and never returns.
    unsafe { &mut *agent }.serve()
}
