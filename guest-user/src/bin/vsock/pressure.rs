//! More than the buffers between here and there have room for, in both directions.

use abi::linux::poll::{POLLIN, POLLOUT};
use abi::linux::socket::{MSG_DONTWAIT, MSG_NOSIGNAL};
use abi::warehouse::{PAGE, PAGE_BYTES, REPLY_BYTES, REQUEST_BYTES, Reply, Request, SIZE, SIZE_BYTES};
use guest_user::facts::fact;
use guest_user::net::{Address, Stream};
use guest_user::syscall::poll::poll;
use guest_user::syscall::socket;

use crate::ask;
use crate::waiting::{entry, is_ready};

/// Pages that are asked for at once.
const PAGES: u32 = 48;
/// Requests that go out as fast as they can, which are 512 KiB, and as many as one call sends.
const REQUESTS: u32 = 1 << 16;
const BATCH: usize = 512;
/// Bytes of the answer to each.
const ANSWER_BYTES: usize = REPLY_BYTES + SIZE_BYTES;
/// A peer that does nothing for so long does nothing any more, in milliseconds. A guest with a virtual clock takes a tenth of it in processor
/// time, of which the scenario gives it a minute.
const STALLED_MS: i32 = 120_000;

pub(crate) fn facts(good: &Address) {
    coming_in(good);
    going_out(good);
}

/// Nobody receives until everything has been asked for.
fn coming_in(good: &Address) {
    let stream = Stream::connect(good).expect("the server listens");
    (0..PAGES).for_each(|number| ask::send(stream, PAGE, number));
    let mut page = [0; PAGE_BYTES];
    let mut at_once = 0_u64;
    for number in 0..PAGES {
        let mut header = [0; REPLY_BYTES];
        let has_come = receive_in_time(stream, &mut header) && receive_in_time(stream, &mut page);
        if !has_come {
            fact("pages stop coming after", number);
            return;
        }
        fact_unless(number, Reply::decode(header) == ask::page_header(number));
        at_once = at_once.rotate_left(7) ^ ask::sum(&page);
    }
    let mut singly = 0_u64;
    for number in 0..PAGES {
        singly = singly.rotate_left(7) ^ ask::fetch(stream, number, &mut page);
    }
    fact("pages asked for at once", PAGES);
    fact("they are those that come singly", at_once == singly);
    stream.close();
}

/// Receives as many bytes as there is room for, unless they stop coming.
fn receive_in_time(stream: Stream, buffer: &mut [u8]) -> bool {
    let mut got = 0;
    while got < buffer.len() {
        if !is_ready(stream, POLLIN, STALLED_MS) {
            return false;
        }
        match socket::recv(stream.fd, &mut buffer[got..], 0) {
            Ok(0) => return false,
            Ok(count) => got += count,
            Err(errno) => panic!("recv: {errno}"),
        }
    }
    true
}

/// Tells of a page whose header is not the one that belongs to it.
fn fact_unless(number: u32, is_right: bool) {
    if !is_right {
        fact("wrong header of page", number);
    }
}

/// Answers are received only when sending would wait.
fn going_out(good: &Address) {
    let stream = Stream::connect(good).expect("the server listens");
    let mut sending = Sending::default();
    let mut answers = Answers::default();
    let mut has_waited = false;
    while answers.received < REQUESTS && answers.are_right {
        let would_wait = sending.send(stream);
        has_waited |= would_wait;
        let events = if sending.is_done() {
            POLLIN
        } else {
            POLLIN | POLLOUT
        };
        let mut entries = [entry(stream, events)];
        if poll(&mut entries, STALLED_MS) != Ok(1) {
            fact("answers stop coming: stalled", true);
            break;
        }
        answers.receive(stream);
    }
    fact("requests sent", sending.sent);
    fact("sending had to wait", has_waited);
    fact("answers in the order of the requests", answers.are_right);
    fact("answers received", answers.received);
    stream.close();
}

#[derive(Default)]
struct Sending {
    /// Requests that are sent whole, and bytes of the next one that are.
    sent: u32,
    part_bytes: usize,
}

impl Sending {
    fn is_done(&self) -> bool {
        self.sent == REQUESTS
    }

    /// Sends as much as can be; true when sending would wait.
    fn send(&mut self, stream: Stream) -> bool {
        while !self.is_done() {
            let mut bytes = [0; BATCH * REQUEST_BYTES];
            let count = BATCH.min((REQUESTS - self.sent) as usize);
            for (request, argument) in bytes.chunks_exact_mut(REQUEST_BYTES).zip(self.sent..) {
                request.copy_from_slice(&Request { kind: SIZE, argument }.encode());
            }
            let rest = &bytes[self.part_bytes..count * REQUEST_BYTES];
            match socket::send(stream.fd, rest, MSG_DONTWAIT | MSG_NOSIGNAL) {
                Ok(now) => {
                    let total = self.part_bytes + now;
                    self.sent += (total / REQUEST_BYTES) as u32;
                    self.part_bytes = total % REQUEST_BYTES;
                }
                Err(errno) if Stream::would_wait(errno) => return true,
                Err(errno) => panic!("send: {errno}"),
            }
        }
        false
    }
}

struct Answers {
    received: u32,
    are_right: bool,
    part: [u8; ANSWER_BYTES],
    part_bytes: usize,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            received: 0,
            are_right: true,
            part: [0; ANSWER_BYTES],
            part_bytes: 0,
        }
    }
}

impl Answers {
    /// Receives what there is.
    fn receive(&mut self, stream: Stream) {
        let mut bytes = [0; 4096];
        loop {
            match socket::recv(stream.fd, &mut bytes, MSG_DONTWAIT) {
                Ok(0) => panic!("the server has closed"),
                Ok(count) => bytes[..count].iter().for_each(|byte| self.take(*byte)),
                Err(errno) if Stream::would_wait(errno) => return,
                Err(errno) => panic!("recv: {errno}"),
            }
        }
    }

    fn take(&mut self, byte: u8) {
        self.part[self.part_bytes] = byte;
        self.part_bytes += 1;
        if self.part_bytes == ANSWER_BYTES {
            self.part_bytes = 0;
            let header = self.part.first_chunk().expect("an answer begins with a header");
            let expected = Reply {
                kind: SIZE,
                argument: self.received,
                len_bytes: SIZE_BYTES as u32,
            };
            self.are_right &= Reply::decode(*header) == expected;
            self.received += 1;
        }
    }
}
