//! Page faults that a program serves, by the requests of userfaultfd.
#![allow(unsafe_code, reason = "requests that take structures")]

use abi::linux::poll::{POLLIN, PollFd};
use abi::linux::userfaultfd::{
    MESSAGE_BYTES, UFFD_API, UFFD_PAGEFAULT_FLAG_WP, UFFD_PAGEFAULT_FLAG_WRITE, UFFDIO_API, UFFDIO_COPY,
    UFFDIO_REGISTER, UFFDIO_UNREGISTER, UFFDIO_WAKE, UFFDIO_WRITEPROTECT, UFFDIO_ZEROPAGE, UffdMsg,
    UffdioApi, UffdioCopy, UffdioRange, UffdioRegister, UffdioWriteprotect, UffdioZeropage,
};

use crate::Span;
use crate::syscall::Errno;
use crate::syscall::file::{close, ioctl, read};
use crate::syscall::memory::userfaultfd;
use crate::syscall::poll::poll;

/// After so long nothing comes any more.
const PATIENCE_MS: i32 = 10_000;

/// The descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Userfaultfd {
    /// Its number.
    pub fd: i32,
}

/// A fault that is to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message(pub UffdMsg);

impl Userfaultfd {
    /// userfaultfd(flags), and nothing agreed on yet.
    pub fn new(flags: u64) -> Result<Self, Errno> {
        userfaultfd(flags).map(|fd| Self { fd })
    }

    /// One that is agreed on.
    ///
    /// # Panics
    ///
    /// When the kernel refuses.
    #[must_use]
    pub fn open(flags: u64, features: u64) -> Self {
        let new = Self::new(flags).expect("userfaultfd");
        new.shake_hands(UFFD_API, features).expect("UFFDIO_API");
        new
    }

    /// Makes a request with a structure of it.
    fn request<T>(self, number: u32, argument: &mut T) -> Result<(), Errno> {
        let address = core::ptr::from_mut(argument) as u64;
        // SAFETY: the kernel writes answers to the structure, which is ours alone; what else the requests change lies in spans.
        unsafe { ioctl(self.fd, number, address) }.map(drop)
    }

    /// Makes a request with a structure at an address at which there need be none.
    pub fn request_at(self, number: u32, span: Span) -> Result<(), Errno> {
        // SAFETY: no Rust object lies in a span.
        unsafe { ioctl(self.fd, number, span.address()) }.map(drop)
    }

    /// UFFDIO_API: the answer, also if that is a refusal.
    pub fn shake_hands(self, api: u64, features: u64) -> Result<UffdioApi, Errno> {
        let mut argument = UffdioApi {
            api,
            features,
            ioctls: u64::MAX,
        };
        self.request(UFFDIO_API, &mut argument).map(|()| argument)
    }

    /// UFFDIO_API that is refused, perhaps: what it leaves of the structure.
    pub fn shake_hands_into(self, argument: &mut UffdioApi) -> Result<(), Errno> {
        self.request(UFFDIO_API, argument)
    }

    /// UFFDIO_REGISTER: which requests there are for the range.
    pub fn register(self, span: Span, mode: u64) -> Result<u64, Errno> {
        let mut argument = UffdioRegister {
            range: range(span),
            mode,
            ioctls: 0,
        };
        self.request(UFFDIO_REGISTER, &mut argument)
            .map(|()| argument.ioctls)
    }

    /// UFFDIO_UNREGISTER
    pub fn unregister(self, span: Span) -> Result<(), Errno> {
        self.request(UFFDIO_UNREGISTER, &mut range(span))
    }

    /// UFFDIO_WAKE
    pub fn wake(self, span: Span) -> Result<(), Errno> {
        self.request(UFFDIO_WAKE, &mut range(span))
    }

    /// UFFDIO_COPY of as many bytes as `to` has from an address on, and the field `copy` afterwards, which was 1.
    pub fn copy(self, to: Span, from: u64, mode: u64) -> (Result<(), Errno>, i64) {
        let mut argument = UffdioCopy {
            dst: to.address(),
            src: from,
            len: to.len_bytes(),
            mode,
            copy: 1,
        };
        let result = self.request(UFFDIO_COPY, &mut argument);
        (result, argument.copy)
    }

    /// UFFDIO_ZEROPAGE, and the field `zeropage` afterwards, which was 1.
    pub fn fill_with_zeros(self, span: Span, mode: u64) -> (Result<(), Errno>, i64) {
        let mut argument = UffdioZeropage {
            range: range(span),
            mode,
            zeropage: 1,
        };
        let result = self.request(UFFDIO_ZEROPAGE, &mut argument);
        (result, argument.zeropage)
    }

    /// UFFDIO_WRITEPROTECT
    pub fn write_protect(self, span: Span, mode: u64) -> Result<(), Errno> {
        let range = range(span);
        self.request(UFFDIO_WRITEPROTECT, &mut UffdioWriteprotect { range, mode })
    }

    /// Reads as many messages as there are and fit, and says how many.
    pub fn read_messages(self, messages: &mut [Message]) -> Result<usize, Errno> {
        let mut bytes = [0; 4 * MESSAGE_BYTES];
        let len_bytes = bytes.len().min(messages.len() * MESSAGE_BYTES);
        let read_bytes = read(self.fd, &mut bytes[..len_bytes])?;
        let (chunks, _) = bytes[..read_bytes].as_chunks();
        for (message, bytes) in messages.iter_mut().zip(chunks) {
            *message = Message::decode(bytes);
        }
        Ok(read_bytes / MESSAGE_BYTES)
    }

    /// Reads one message.
    pub fn read_message(self) -> Result<Message, Errno> {
        let mut messages = [Message(UffdMsg::default())];
        self.read_messages(&mut messages)?;
        Ok(messages[0])
    }

    /// Waits for a message of a descriptor that does not wait in read, and reads it.
    ///
    /// # Panics
    ///
    /// When the kernel refuses, or none comes for a long time.
    #[must_use]
    pub fn next_message(self) -> Message {
        loop {
            let mut fds = [PollFd {
                fd: self.fd,
                events: POLLIN,
                revents: 0,
            }];
            let ready = poll(&mut fds, PATIENCE_MS).expect("poll");
            assert!(ready == 1, "there is no message");
            match self.read_message() {
                Ok(message) => return message,
                Err(errno) => assert!(errno.0 == abi::linux::errno::EAGAIN, "read: {errno}"),
            }
        }
    }

    /// close
    ///
    /// # Panics
    ///
    /// When the kernel refuses.
    pub fn close(self) {
        close(self.fd).expect("close");
    }
}

fn range(span: Span) -> UffdioRange {
    UffdioRange {
        start: span.address(),
        len: span.len_bytes(),
    }
}

impl Message {
    fn decode(bytes: &[u8; MESSAGE_BYTES]) -> Self {
        let word = |at: usize| u64::from_le_bytes(core::array::from_fn(|index| bytes[at + index]));
        Self(UffdMsg {
            event: bytes[0],
            reserved: core::array::from_fn(|index| bytes[1 + index]),
            flags: word(8),
            address: word(16),
            thread: word(24) as u32,
            padding: (word(24) >> 32) as u32,
        })
    }

    /// Address that was accessed, or its page's.
    #[must_use]
    pub fn address(self) -> u64 {
        self.0.address
    }

    /// What kind of access it was, for people.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self.0.flags {
            0 => "load of a missing page",
            UFFD_PAGEFAULT_FLAG_WRITE => "store to a missing page",
            flags if flags == UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP => {
                "store to a protected page"
            }
            _ => "something else",
        }
    }
}
