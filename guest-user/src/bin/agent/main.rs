//! The agent: performs the VMM's operations, one after the other, as an ordinary process.
//!
//! What it can be asked is [`abi::operation`], how is [`abi::doorbell`]. In a guest the conversation goes over the doorbell; with
//! the argument `--socket` it goes over sockets, and the agent is a process of the Linux it runs on. `--channel N` names the channel
//! of an agent that is not the first one: its process was there before, with another program.
//!
//! **Invariant:** the agent's own memory is its file's pages, the stack that the kernel gave it, and what it maps: the doorbell and a stack
//! that fork shares ([`own_stack`]). So every other change of its address space is one that the VMM asked for. It writes to no private
//! page once it is on that stack, unless an operation is to.

#![no_std]
#![no_main]

mod exec;
mod kernel_access;
mod memory;
mod own_calls;
mod own_stack;
mod pagemap;
mod perform;
mod stack;
mod transport;

use abi::operation::{CHANNEL_FLAG, YIELD};
use guest_user::syscall::process;
use guest_user::{Arguments, program};

use transport::{Doorbell, Socket, Transport};

program!(main);

/// Argument that chooses the socket transport.
const SOCKET_FLAG: &str = "--socket";
/// Channel of the first agent.
const FIRST_CHANNEL: u64 = 0;

fn main(arguments: Arguments) -> i32 {
    let channel = channel(arguments);
    if arguments
        .iter()
        .any(|argument| argument == SOCKET_FLAG.as_bytes())
    {
        serve_socket(channel)
    } else {
        serve_doorbell(channel)
    }
}

/// The channel that the arguments name, for an agent that goes on where another program of its process was.
fn channel(arguments: Arguments) -> u64 {
    let mut rest = arguments.iter();
    if !rest.any(|argument| argument == CHANNEL_FLAG.as_bytes()) {
        return FIRST_CHANNEL;
    }
    let number = rest
        .next()
        .and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
    number.unwrap_or_else(|| panic!("{CHANNEL_FLAG} goes before the number of a channel"))
}

// Each transport has a function of its own, so that the stack of one does not hold the buffers of the other.

#[inline(never)]
fn serve_doorbell(channel: u64) -> ! {
    begin(channel, Doorbell::open(channel))
}

#[inline(never)]
fn serve_socket(channel: u64) -> ! {
    begin(channel, Socket::open(channel))
}

fn begin(channel: u64, transport: impl Transport) -> ! {
    let kernels_stack = stack::pointer();
    own_stack::begin(
        channel,
        Agent {
            transport,
            kernels_stack,
        },
    )
}

/// A process that performs operations.
struct Agent<T> {
    transport: T,
    /// An address in the page that the stack which the kernel gave this process, or an ancestor, ends in.
    kernels_stack: u64,
}

impl<T: Transport> Agent<T> {
    fn serve(&mut self) -> ! {
        self.transport
            .hello(process::process_id() as u32, process::parent_process_id() as u32);
        loop {
            stack::keep(self.kernels_stack);
            match self.transport.next() {
                YIELD => process::sched_yield(),
                code => perform::perform(self, code),
            }
        }
    }

    /// What a child on that channel begins with.
    fn child(&self, channel: u64) -> Self {
        Self {
            transport: self.transport.on(channel),
            kernels_stack: self.kernels_stack,
        }
    }
}
