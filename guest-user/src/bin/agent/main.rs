//! The agent: performs the VMM's operations, one after the other, as an ordinary process.
//!
//! What it can be asked is [`abi::operation`], how is [`abi::doorbell`]. In a guest the conversation goes over the doorbell; with
//! the argument `--socket` it goes over sockets, and the agent is a process of the Linux it runs on.
//!
//! **Invariant:** the agent's own memory is its file's pages and its stack, and it maps nothing but the doorbell. So every
//! other change of its address space is one that the VMM asked for.

#![no_std]
#![no_main]

mod exec;
mod memory;
mod perform;
mod stack;
mod transport;

use abi::operation::YIELD;
use guest_user::syscall::process;
use guest_user::{Arguments, program};

use transport::{Doorbell, Socket, Transport};

program!(main);

/// Argument that chooses the socket transport.
const SOCKET_FLAG: &[u8] = b"--socket";
/// Channel of the first agent.
const FIRST_CHANNEL: u64 = 0;

fn main(arguments: Arguments) -> i32 {
    if arguments.get(1) == Some(SOCKET_FLAG) {
        serve_socket()
    } else {
        serve_doorbell()
    }
}

// Each transport has a function of its own, so that the stack of one does not hold the buffers of the other.

#[inline(never)]
fn serve_doorbell() -> ! {
    serve(&mut Doorbell::open(FIRST_CHANNEL))
}

#[inline(never)]
fn serve_socket() -> ! {
    serve(&mut Socket::open(FIRST_CHANNEL))
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
