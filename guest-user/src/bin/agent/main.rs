//! The agent: performs the VMM's operations, one after the other, as an ordinary process.
//!
//! What it can be asked is [`abi::operation`], how is [`abi::doorbell`]. In a guest the conversation goes over the doorbell; with
//! the argument `--socket` it goes over sockets, and the agent is a process of the Linux it runs on. `--channel N` names the channel
//! of an agent that is not the first one: its process was there before, with another program.
//!
//! **Invariant:** the agent's own memory is its file's pages and its stack, and it maps nothing but the doorbell. So every
//! other change of its address space is one that the VMM asked for.

#![no_std]
#![no_main]

mod exec;
mod memory;
mod own_calls;
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
    serve(&mut Doorbell::open(channel))
}

#[inline(never)]
fn serve_socket(channel: u64) -> ! {
    serve(&mut Socket::open(channel))
}

fn serve(transport: &mut impl Transport) -> ! {
    hello(transport);
    loop {
        match transport.next() {
            YIELD => process::sched_yield(),
            code => perform::perform(transport, code),
        }
    }
}

/// Introduces this process on its channel: the first thing there.
fn hello(transport: &mut impl Transport) {
    transport.hello(process::process_id() as u32, process::parent_process_id() as u32);
}
