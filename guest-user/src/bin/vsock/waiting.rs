//! Sockets that do not wait, and poll.

use abi::linux::poll::{POLLIN, POLLOUT, PollFd};
use abi::linux::socket::MSG_DONTWAIT;
use abi::warehouse::SIZE;
use guest_user::facts::fact;
use guest_user::net::{PATIENCE_MS, Stream};
use guest_user::syscall::poll::poll;
use guest_user::syscall::{Outcome, socket};

use crate::{Servers, ask};

/// How long one waits for a server that does not.
const SILENCE_MS: i32 = 100;

pub(crate) fn facts(servers: &Servers) {
    let stream = Stream::connect(&servers.good).expect("the server listens");
    fact("receive without waiting", Outcome::from(receive_now(stream)));
    fact("ready to receive", is_ready(stream, POLLIN, 0));
    fact("ready to send", is_ready(stream, POLLOUT, 0));
    ask::send(stream, SIZE, 0);
    fact("ready after an answer", is_ready(stream, POLLIN, PATIENCE_MS));
    fact("and still", is_ready(stream, POLLIN, 0));
    ask::header(stream).expect("an answer");
    fact(
        "receive the rest without waiting",
        Outcome::from(receive_now(stream)),
    );
    fact("ready when all is received", is_ready(stream, POLLIN, 0));
    stream.close();

    let silent = Stream::connect(&servers.silent).expect("the server listens");
    let both = Stream::connect(&servers.good).expect("the server listens");
    ask::send(silent, SIZE, 0);
    fact(
        "a server that does not answer",
        is_ready(silent, POLLIN, SILENCE_MS),
    );
    ask::send(both, SIZE, 0);
    let mut entries = [entry(silent, POLLIN), entry(both, POLLIN)];
    let ready = poll(&mut entries, PATIENCE_MS);
    fact("ready of it and one that does", ready.expect("poll"));
    fact(
        "it is the other one",
        entries[0].revents == 0 && entries[1].revents == POLLIN,
    );
    silent.close();
    both.close();
}

fn receive_now(stream: Stream) -> Result<usize, guest_user::syscall::Errno> {
    socket::recv(stream.fd, &mut [0; 64], MSG_DONTWAIT)
}

pub(crate) fn entry(stream: Stream, events: u16) -> PollFd {
    PollFd {
        fd: stream.fd,
        events,
        revents: 0,
    }
}

/// Whether the stream is ready within that time.
pub(crate) fn is_ready(stream: Stream, events: u16, timeout_ms: i32) -> bool {
    let mut entries = [entry(stream, events)];
    poll(&mut entries, timeout_ms).expect("poll") == 1 && entries[0].revents & events != 0
}
