//! A stream that tells what its thread is waiting for.
//!
//! So it can be told from outside whether a server is about to answer or has nothing more to say, without looking at any clock.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use rustix::event::PollFlags;

use crate::socket::Stream;

const BUSY: u8 = 0;
const READS: u8 = 1;
const WRITES: u8 = 2;

/// The thread's end.
pub(crate) struct Monitored {
    stream: Stream,
    waits_to: Arc<AtomicU8>,
    limit: Option<Duration>,
}

/// Tells about the stream of another thread.
pub(crate) struct Monitor {
    stream: Stream,
    waits_to: Arc<AtomicU8>,
}

impl Monitored {
    /// Gives up on a client that neither sends nor receives for as long as the limit says.
    pub(crate) fn new(stream: Stream, limit: Option<Duration>) -> io::Result<(Self, Monitor)> {
        let waits_to = Arc::new(AtomicU8::new(BUSY));
        let monitor = Monitor {
            stream: stream.try_clone()?,
            waits_to: Arc::clone(&waits_to),
        };
        let monitored = Self {
            stream,
            waits_to,
            limit,
        };
        Ok((monitored, monitor))
    }

    fn wait_to(&self, what: u8) -> io::Result<()> {
        self.waits_to.store(what, Ordering::SeqCst);
        let is_ready = self.stream.wait(flags(what), self.limit);
        self.waits_to.store(BUSY, Ordering::SeqCst);
        if is_ready? {
            Ok(())
        } else {
            Err(io::ErrorKind::TimedOut.into())
        }
    }
}

impl Monitor {
    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Whether the thread does nothing until the client sends or receives something.
    pub(crate) fn waits_for_its_client(&self) -> bool {
        // What has come is looked for first: a thread that waits afterwards has seen it, and has answered.
        [READS, WRITES].into_iter().any(|what| {
            let has_cause = self.stream.wait(flags(what), Some(Duration::ZERO));
            matches!(has_cause, Ok(false)) && self.waits_to.load(Ordering::SeqCst) == what
        })
    }
}

fn flags(what: u8) -> PollFlags {
    if what == READS {
        PollFlags::IN
    } else {
        PollFlags::OUT
    }
}

impl Read for Monitored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait_to(READS)?;
        self.stream.read(buffer)
    }
}

impl Write for Monitored {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        loop {
            match self.stream.send_now(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait_to(WRITES)?,
                sent => return sent,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
