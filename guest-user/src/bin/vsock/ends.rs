//! How connections end: from this side, by halves, and from the other.

use abi::linux::poll::POLLIN;
use abi::linux::socket::{MSG_NOSIGNAL, SHUT_RD, SHUT_WR};
use abi::warehouse::{PAGE, PAGE_BYTES, SIZE, SIZE_BYTES};
use guest_user::facts::fact;
use guest_user::net::{PATIENCE_MS, ReceiveError, Stream};
use guest_user::syscall::{Outcome, socket};

use crate::waiting::is_ready;
use crate::{Servers, ask};

pub(crate) fn facts(servers: &Servers) {
    let stream = Stream::connect(&servers.good).expect("the server listens");
    ask::send(stream, SIZE, 0);
    fact(
        "send no more",
        Outcome::from(socket::shutdown(stream.fd, SHUT_WR)),
    );
    fact(
        "send all the same",
        Outcome::from(socket::send(stream.fd, b"x", MSG_NOSIGNAL)),
    );
    let mut answer = [0; SIZE_BYTES];
    let received = ask::header(stream).and_then(|_| stream.recv_exact(&mut answer));
    fact("the answer comes", received == Ok(()));
    fact("then the end", end_after(stream) == Some(0));
    fact("and again", end_after(stream) == Some(0));
    stream.close();

    let stream = Stream::connect(&servers.good).expect("the server listens");
    fact(
        "receive no more",
        Outcome::from(socket::shutdown(stream.fd, SHUT_RD)),
    );
    fact("receive all the same", end_after(stream) == Some(0));
    stream.close();

    let stream = Stream::connect(&servers.cut).expect("the server listens");
    ask::send(stream, PAGE, 7);
    let announced = ask::header(stream).map(|reply| reply.len_bytes as usize);
    fact("a page is announced", announced == Ok(PAGE_BYTES));
    match end_after(stream) {
        Some(bytes) => fact("bytes before the server closes", bytes),
        None => fact("the server does not close within ms", PATIENCE_MS),
    }
    fact("ready at the end", is_ready(stream, POLLIN, PATIENCE_MS));
    stream.close();
}

/// How many bytes come before the end; none when it does not come.
fn end_after(stream: Stream) -> Option<usize> {
    let mut bytes = 0;
    while is_ready(stream, POLLIN, PATIENCE_MS) {
        match stream.recv_exact(&mut [0; 1]) {
            Ok(()) => bytes += 1,
            Err(ReceiveError::Ended(_)) => return Some(bytes),
            Err(ReceiveError::Failed(errno)) => panic!("recv: {errno}"),
        }
    }
    None
}
