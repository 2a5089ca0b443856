//! Requests and their answers, one after the other.

use abi::warehouse::{
    FAIL, MAX_MESSAGE_BYTES, PAGE, PAGE_BYTES, REPLY_BYTES, Reply, Request, SIZE, SIZE_BYTES,
};
use guest_user::facts::fact;
use guest_user::net::{Address, ReceiveError, Stream};
use guest_user::syscall::{Outcome, socket};

pub(crate) fn facts(good: &Address) {
    let stream = Stream::connect(good).expect("the server listens");
    fact(
        "connect once more",
        Outcome::from(socket::connect(stream.fd, good.as_bytes())),
    );
    fact("bytes of the text", size(stream));
    let mut page = [0; PAGE_BYTES];
    let first = fetch(stream, 3, &mut page);
    fact("page 3", first_line(&page).escape_ascii());
    let second = fetch(stream, 3, &mut page);
    fact("page 3 again is the same", first == second);
    fact("page 4 is the same", fetch(stream, 4, &mut page) == first);
    send(stream, PAGE, 1_000_000);
    let reply = header(stream).expect("an answer");
    let mut message = [0; MAX_MESSAGE_BYTES];
    let message = &mut message[..reply.len_bytes as usize];
    stream.recv_exact(message).expect("a message");
    fact("a page that is not there is refused", reply.kind == FAIL);
    fact("with", message.escape_ascii());
    stream.close();
}

/// Sends a request.
pub(crate) fn send(stream: Stream, kind: [u8; 4], argument: u32) {
    let request = Request { kind, argument };
    stream.send_all(&request.encode()).expect("the server reads");
}

/// Receives the header of a reply.
pub(crate) fn header(stream: Stream) -> Result<Reply, ReceiveError> {
    let mut bytes = [0; REPLY_BYTES];
    stream.recv_exact(&mut bytes)?;
    Ok(Reply::decode(bytes))
}

/// Receives a page, and gives its sum.
pub(crate) fn receive_page(stream: Stream, number: u32, page: &mut [u8; PAGE_BYTES]) -> u64 {
    assert_eq!(
        header(stream),
        Ok(page_header(number)),
        "the header of page {number}"
    );
    stream.recv_exact(page).expect("the page");
    sum(page)
}

/// What comes before a page.
pub(crate) fn page_header(number: u32) -> Reply {
    Reply {
        kind: PAGE,
        argument: number,
        len_bytes: PAGE_BYTES as u32,
    }
}

/// A sum of bytes that depends on their order.
pub(crate) fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum: u64, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
    })
}

/// Asks for a page and receives it.
pub(crate) fn fetch(stream: Stream, number: u32, page: &mut [u8; PAGE_BYTES]) -> u64 {
    send(stream, PAGE, number);
    receive_page(stream, number, page)
}

fn size(stream: Stream) -> u64 {
    send(stream, SIZE, 0);
    assert_eq!(
        header(stream).map(|reply| reply.len_bytes as usize),
        Ok(SIZE_BYTES)
    );
    let mut bytes = [0; SIZE_BYTES];
    stream.recv_exact(&mut bytes).expect("the size");
    u64::from_le_bytes(bytes)
}

fn first_line(page: &[u8]) -> &[u8] {
    let end = page.iter().position(|byte| *byte == b'\n');
    &page[..end.unwrap_or(page.len())]
}
