//! What is refused, and how: `vsock-errors [GOOD NOBODY]`, two addresses of vsock. Without them no connection is tried, which is what
//! can be compared with a Linux that has the sockets and nobody to connect to.
#![no_std]
#![no_main]

use core::ffi::CStr;
use core::fmt;

use abi::linux::poll::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, PollFd};
use abi::linux::socket::{
    AF_MAX, AF_VSOCK, MSG_NOSIGNAL, MSG_OOB, SHUT_RDWR, SHUT_WR, SO_TYPE, SOCK_MAX, SOCK_NONBLOCK,
    SOCK_STREAM, SOL_SOCKET,
};
use abi::linux::syscall::O_RDONLY;
use guest_user::facts::{fact, outcome as tell};
use guest_user::net::{Address, PATIENCE_MS, Stream};
use guest_user::syscall::Errno;
use guest_user::syscall::file::{self, close};
use guest_user::syscall::poll::poll;
use guest_user::syscall::socket::{connect, option, pending_error, recv, send, send_to, shutdown, socket};
use guest_user::{Arguments, child, println, program};

program!(main);

const VSOCK: u32 = AF_VSOCK as u32;
const STREAM: u32 = SOCK_STREAM;
/// A file that is no socket.
const SOME_FILE: &CStr = c"/proc/self/maps";
fn main(arguments: Arguments) -> i32 {
    println!("sockets");
    sockets();
    println!("not connected");
    not_connected();
    let address = |index| Address::parse(arguments.get(index)?);
    if let (Some(good), Some(nobody)) = (address(1), address(2)) {
        println!("connecting");
        connecting(&good, &nobody);
        println!("connected");
        connected(&good);
    }
    0
}

fn sockets() {
    tell("no family", socket(AF_MAX.into(), STREAM, 0));
    tell("no type", socket(VSOCK, SOCK_MAX, 0));
    tell("no flags", socket(VSOCK, STREAM | 0x10, 0));
    tell("another protocol", socket(VSOCK, STREAM, 6));
    let stream = socket(VSOCK, STREAM, VSOCK).expect("socket");
    fact(
        "its type",
        option(stream, SOL_SOCKET, SO_TYPE).expect("an option"),
    );
    tell("no option", option(stream, SOL_SOCKET, 4096));
    close(stream).expect("it is open");
    let descriptor = file::open(SOME_FILE, O_RDONLY).expect("open");
    tell(
        "connect of a file",
        connect(descriptor, Address::vsock(2, 1).as_bytes()),
    );
    tell("send to a file", send(descriptor, b"x", MSG_NOSIGNAL));
    tell("receive from a file", recv(descriptor, &mut [0; 1], 0));
    tell("shutdown of a file", shutdown(descriptor, SHUT_WR));
    close(descriptor).expect("it is open");
    tell(
        "connect of nothing",
        connect(descriptor, Address::vsock(2, 1).as_bytes()),
    );
}

fn not_connected() {
    let stream = socket(VSOCK, STREAM, 0).expect("socket");
    let address = Address::vsock(2, 1);
    tell("send", send(stream, b"x", MSG_NOSIGNAL));
    tell(
        "send to somebody",
        send_to(stream, b"x", MSG_NOSIGNAL, address.as_bytes()),
    );
    tell("send urgently", send(stream, b"x", MSG_NOSIGNAL | MSG_OOB));
    tell("receive", recv(stream, &mut [0; 1], 0));
    tell("read", file::read(stream, &mut [0; 1]));
    tell("write", file::write(stream, b"x"));
    tell("shutdown", shutdown(stream, SHUT_RDWR));
    tell("shutdown of what", shutdown(stream, 3));
    tell("seek", file::seek(stream, 0, 0));
    fact("pending error", pending_error(stream).expect("an option").0);
    tell(
        "connect, address too short",
        connect(stream, &address.as_bytes()[..15]),
    );
    tell("connect, address too long", connect(stream, &[0; 129]));
    let other = Address::parse(b"tcp:127.0.0.1:1").expect("an address");
    tell("connect, another family", connect(stream, other.as_bytes()));
    fact("ready for", readiness(stream, 0));
    close(stream).expect("it is open");
}

fn connecting(good: &Address, nobody: &Address) {
    let stream = socket(VSOCK, STREAM, 0).expect("socket");
    tell("to a port that nobody has", connect(stream, nobody.as_bytes()));
    fact("pending error", pending_error(stream).expect("an option").0);
    tell("receive", recv(stream, &mut [0; 1], 0));
    let elsewhere = Address::vsock(77, 9000);
    tell("to another machine", connect(stream, elsewhere.as_bytes()));
    tell("to a port that somebody has", connect(stream, good.as_bytes()));
    tell("once more", connect(stream, good.as_bytes()));
    close(stream).expect("it is open");

    let stream = socket(VSOCK, STREAM | SOCK_NONBLOCK, 0).expect("socket");
    tell("without waiting", connect(stream, good.as_bytes()));
    fact("ready for", readiness(stream, PATIENCE_MS));
    fact("pending error", pending_error(stream).expect("an option").0);
    tell("once more", connect(stream, good.as_bytes()));
    tell("receive", recv(stream, &mut [0; 1], 0));
    close(stream).expect("it is open");

    let stream = socket(VSOCK, STREAM | SOCK_NONBLOCK, 0).expect("socket");
    tell("to nobody without waiting", connect(stream, nobody.as_bytes()));
    fact("ready for", readiness(stream, PATIENCE_MS));
    fact(
        "pending error",
        Errno(pending_error(stream).expect("an option").0),
    );
    fact("told once", pending_error(stream).expect("an option").0);
    close(stream).expect("it is open");
}

fn connected(good: &Address) {
    let stream = Stream::connect(good).expect("the server listens").fd;
    tell(
        "send to somebody",
        send_to(stream, b"x", MSG_NOSIGNAL, good.as_bytes()),
    );
    tell("send nothing", send(stream, b"", MSG_NOSIGNAL));
    tell("receive nothing", recv(stream, &mut [], 0));
    tell("shutdown of what", shutdown(stream, 3));
    tell("shutdown", shutdown(stream, SHUT_RDWR));
    fact("ready for", readiness(stream, 0));
    tell("send", send(stream, b"x", MSG_NOSIGNAL));
    let status = child::run(|| {
        let _ = file::write(stream, b"x");
    });
    fact("write ends a program by", status);
    tell("receive", recv(stream, &mut [0; 1], 0));
    tell("connect", connect(stream, good.as_bytes()));
    close(stream).expect("it is open");
}

/// What poll says, by the names of its bits.
fn readiness(fd: i32, timeout_ms: i32) -> impl fmt::Display {
    const BITS: [(u16, &str); 5] = [
        (POLLIN, "in"),
        (POLLOUT, "out"),
        (POLLERR, "error"),
        (POLLHUP, "hang-up"),
        (POLLRDHUP, "end"),
    ];
    let events = POLLIN | POLLOUT | POLLRDHUP;
    let mut entries = [PollFd {
        fd,
        events,
        revents: 0,
    }];
    poll(&mut entries, timeout_ms).expect("poll");
    let [entry] = entries;
    fmt::from_fn(move |formatter| {
        let mut separator = "";
        for (_, name) in BITS.iter().filter(|(bit, _)| entry.revents & bit != 0) {
            write!(formatter, "{separator}{name}")?;
            separator = ", ";
        }
        Ok(())
    })
}
