//! The conversation over sockets, on a Linux host.

use abi::doorbell::socket::{FIRST_FD, HELLO_BYTES, REPLY_HEADER_BYTES, REQUEST_HEADER_BYTES};
use abi::doorbell::{ARGUMENT_COUNT, MAX_TRANSFER_BYTES};
use guest_user::syscall::{Errno, file, process};

use super::Transport;

const WORD_BYTES: usize = size_of::<u64>();
const MAX_TRANSFER: usize = MAX_TRANSFER_BYTES as usize;
const PAYLOAD_LEN_OFFSET: usize = WORD_BYTES * (1 + ARGUMENT_COUNT);

pub(crate) struct Socket {
    fd: i32,
    request: [u8; REQUEST_HEADER_BYTES + MAX_TRANSFER],
    /// Payload bytes that were handed out already.
    payload_taken: usize,
    value: u64,
    reply: [u8; REPLY_HEADER_BYTES + MAX_TRANSFER],
    data_len: usize,
}

impl Socket {
    pub(crate) fn open(channel: u64) -> Self {
        Self {
            fd: channel_fd(channel),
            request: [0; REQUEST_HEADER_BYTES + MAX_TRANSFER],
            payload_taken: 0,
            value: 0,
            reply: [0; REPLY_HEADER_BYTES + MAX_TRANSFER],
            data_len: 0,
        }
    }

    fn send(&self, packet: &[u8]) {
        match file::write(self.fd, packet) {
            Ok(sent) => assert!(
                sent == packet.len(),
                "the socket took {sent} of {} bytes",
                packet.len()
            ),
            Err(errno) => panic!("write to socket {}: {errno}", self.fd),
        }
    }

    fn request_word(&self, offset: usize) -> u64 {
        let mut word = [0; WORD_BYTES];
        word.copy_from_slice(&self.request[offset..offset + WORD_BYTES]);
        u64::from_le_bytes(word)
    }
}

impl Transport for Socket {
    fn hello(&mut self, process_id: u32, parent_process_id: u32) {
        let packet: [u8; HELLO_BYTES] =
            (u64::from(process_id) | u64::from(parent_process_id) << 32).to_le_bytes();
        self.send(&packet);
    }

    fn on(&self, channel: u64) -> Self {
        Self::open(channel)
    }

    fn next(&mut self) -> u64 {
        self.payload_taken = 0;
        self.value = 0;
        self.data_len = 0;
        match file::read(self.fd, &mut self.request) {
            // Nobody will ask for anything again.
            Ok(0) => process::exit(0),
            Ok(len) if len >= REQUEST_HEADER_BYTES => {}
            Ok(len) => panic!("a request has {len} bytes, less than its header"),
            Err(errno) => panic!("read from socket {}: {errno}", self.fd),
        }
        self.request_word(0)
    }

    fn argument(&mut self, index: usize) -> u64 {
        self.request_word(WORD_BYTES * (1 + index))
    }

    fn payload(&mut self) -> u64 {
        let payload_len = (self.request_word(PAYLOAD_LEN_OFFSET) as usize).min(MAX_TRANSFER);
        let payload = &self.request[REQUEST_HEADER_BYTES..REQUEST_HEADER_BYTES + payload_len];
        let rest = &payload[self.payload_taken.min(payload_len)..];
        let chunk = &rest[..rest.len().min(WORD_BYTES)];
        let mut word = [0; WORD_BYTES];
        word[..chunk.len()].copy_from_slice(chunk);
        self.payload_taken += chunk.len();
        u64::from_le_bytes(word)
    }

    fn data(&mut self, bytes: &[u8]) {
        let start = REPLY_HEADER_BYTES + self.data_len;
        self.reply[start..start + bytes.len()].copy_from_slice(bytes);
        self.data_len += bytes.len();
    }

    fn value(&mut self, value: u64) {
        self.value = value;
    }

    fn complete(&mut self, result: i64) {
        let header = [result as u64, self.value, self.data_len as u64];
        for (place, word) in self.reply.chunks_mut(WORD_BYTES).zip(header) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        self.send(&self.reply[..REPLY_HEADER_BYTES + self.data_len]);
    }

    /// What the agent runs in here is the user's own machine: only the agent ends.
    fn power_off(&mut self, _command: u64) -> Errno {
        process::exit(0)
    }
}

fn channel_fd(channel: u64) -> i32 {
    FIRST_FD + channel as i32
}
