//! The server, as `abi::warehouse` describes it.

use abi::linux::poll::{POLLIN, PollFd};
use abi::warehouse::{
    FAIL, MAX_MESSAGE_BYTES, PAGE, PAGE_BYTES, REPLY_BYTES, Reply, Request, SIZE, SIZE_BYTES,
};
use guest_user::Text;
use guest_user::net::{Address, ReceiveError, Stream};
use guest_user::syscall::poll::poll;
use guest_user::syscall::socket;

use crate::failure::{Failure, REASON_BYTES};
use crate::printable::printable;

/// How long an answer may take.
const PATIENCE_SECONDS: u64 = 5;

/// A connection to it.
pub(crate) struct Server(Stream);

impl Server {
    pub(crate) fn connect(address: &Address) -> Result<Self, Failure> {
        Stream::connect(address).map(Self).map_err(Failure::Unreachable)
    }

    /// Number of pages of the text.
    pub(crate) fn pages(&mut self) -> Result<u64, Failure> {
        let mut bytes = [0; SIZE_BYTES];
        self.ask(SIZE, 0, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes).div_ceil(PAGE_BYTES as u64))
    }

    /// Fetches a page.
    pub(crate) fn page(&mut self, number: u32, into: &mut [u8; PAGE_BYTES]) -> Result<(), Failure> {
        self.ask(PAGE, number, into)
    }

    fn ask(&mut self, kind: [u8; 4], argument: u32, into: &mut [u8]) -> Result<(), Failure> {
        let request = Request { kind, argument };
        let sent = self.0.send_all(&request.encode());
        sent.map_err(|errno| Failure::Lost(ReceiveError::Failed(errno)))?;
        let mut header = [0; REPLY_BYTES];
        self.receive(&mut header)?;
        let reply = Reply::decode(header);
        if reply.kind == FAIL {
            return Err(self.refused(reply));
        }
        if reply.kind != kind {
            return Err(Failure::Kind(reply.kind));
        }
        if reply.argument != argument {
            let (asked, answered) = (argument, reply.argument);
            return Err(Failure::Other { asked, answered });
        }
        if reply.len_bytes as usize != into.len() {
            let (expected, announced) = (into.len(), reply.len_bytes);
            return Err(Failure::Len { expected, announced });
        }
        self.receive(into)
    }

    fn refused(&mut self, reply: Reply) -> Failure {
        let mut message = [0; MAX_MESSAGE_BYTES];
        let Some(message) = message.get_mut(..reply.len_bytes as usize) else {
            let (expected, announced) = (MAX_MESSAGE_BYTES, reply.len_bytes);
            return Failure::Len { expected, announced };
        };
        match self.receive(message) {
            Ok(()) => {
                let end = message.len().min(REASON_BYTES - 1);
                Failure::Refused(Text::of(printable(&message[..end])))
            }
            Err(failure) => failure,
        }
    }

    /// Waits for each piece, but not for ever.
    fn receive(&mut self, into: &mut [u8]) -> Result<(), Failure> {
        let mut done = 0;
        while done < into.len() {
            let mut fds = [PollFd {
                fd: self.0.fd,
                events: POLLIN,
                revents: 0,
            }];
            let ready = poll(&mut fds, (PATIENCE_SECONDS * 1000) as i32);
            if ready.map_err(|errno| Failure::System("poll", errno))? == 0 {
                return Err(Failure::Silent {
                    seconds: PATIENCE_SECONDS,
                });
            }
            match socket::recv(self.0.fd, &mut into[done..], 0) {
                Ok(0) => return Err(Failure::Lost(ReceiveError::Ended(done))),
                Ok(count) => done += count,
                Err(errno) => return Err(Failure::Lost(ReceiveError::Failed(errno))),
            }
        }
        Ok(())
    }
}
