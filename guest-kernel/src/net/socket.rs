//! A socket of a program, with the errors that Linux gives (`net/vmw_vsock/af_vsock.c`).

use alloc::vec::Vec;
use core::cell::Cell;

use abi::PAGE_SIZE;
use abi::linux::poll::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM};
use abi::linux::process::SIGPIPE;
use abi::linux::socket::FIONBIO;
use abi::vsock::{SHUTDOWN_BOTH, SHUTDOWN_RECEIVE, SHUTDOWN_SEND};

use super::awaited::Awaited;
use super::connection::Stage;
use super::network::{self, pick_up};
use crate::errno::Errno;
use crate::fs::{FileOperations, OpenFile, Patience, Status, readiness};
use crate::mm::UserSlice;
use crate::mutant::{self, Mutant};
use crate::process::{self, Woken};
use crate::sched::{self, Disturbed};

/// How long the peer has to accept a connection: `VSOCK_DEFAULT_CONNECT_TIMEOUT`.
const CONNECT_NANOSECONDS: u64 = 2_000_000_000;
/// Bytes that go through the kernel's memory at once.
const PIECE_BYTES: usize = PAGE_SIZE as usize;

/// Whom to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) cid: u32,
    pub(crate) port: u32,
}

#[derive(Debug)]
pub(crate) struct Socket {
    patience: Cell<Patience>,
    /// Its connection's port; None when it has none.
    port: Cell<Option<u32>>,
    /// What became of the last attempt to connect, until somebody asks.
    error: Cell<Option<Errno>>,
}

/// What to do next in a loop that waits.
enum Step<T> {
    Done(T),
    Wait,
}

impl Socket {
    pub(crate) fn new(patience: Patience) -> Self {
        Self {
            patience: Cell::new(patience),
            port: Cell::new(None),
            error: Cell::new(None),
        }
    }

    /// `address` is what the caller's bytes say, which Linux looks at last.
    pub(crate) fn connect(&self, address: Result<Address, Errno>) -> Result<(), Errno> {
        self.take_refusal();
        let port = match self.port.get() {
            Some(port) => {
                self.check_connecting(port)?;
                port
            }
            None => {
                let Address { cid, port } = address?;
                self.error.set(None);
                let port = network::connect((cid.into(), port))?;
                self.port.set(Some(port));
                if self.patience.get() == Patience::None {
                    return Err(Errno::EINPROGRESS);
                }
                port
            }
        };
        self.await_answer(port)
    }

    /// Whether connecting again means waiting for the connection that was asked for.
    fn check_connecting(&self, port: u32) -> Result<(), Errno> {
        let (stage, own_ended) =
            network::with(port, |connection| (connection.stage(), connection.own_ended()));
        match stage {
            Stage::Established if own_ended == 0 => Err(Errno::EISCONN),
            Stage::Established => Err(Errno::EINVAL),
            Stage::Connecting | Stage::Refused if self.patience.get() == Patience::None => {
                Err(Errno::EALREADY)
            }
            Stage::Connecting | Stage::Refused => Ok(()),
        }
    }

    fn await_answer(&self, port: u32) -> Result<(), Errno> {
        let deadline = sched::now().plus(CONNECT_NANOSECONDS);
        let mut is_over = false;
        loop {
            let seen = readiness::changes();
            pick_up();
            match network::with(port, |connection| connection.stage()) {
                Stage::Established => return Ok(()),
                Stage::Refused => {
                    self.take_refusal();
                    return Err(Errno::ECONNRESET);
                }
                Stage::Connecting if is_over => {
                    self.give_up(port);
                    return Err(Errno::ETIMEDOUT);
                }
                Stage::Connecting => {}
            }
            let _awaited = Awaited::new();
            match readiness::wait(seen, Some(deadline)) {
                Ok(woken) => is_over = woken == Woken::ByTime,
                Err(Disturbed) => {
                    self.give_up(port);
                    return Err(Errno::EINTR);
                }
            }
        }
    }

    /// Forgets a connection that was asked for.
    fn give_up(&self, port: u32) {
        self.port.set(None);
        network::forget(port, |connection| Some(connection.reset()));
    }

    /// Sends all of it, or as much as can be without waiting.
    pub(crate) fn send(&self, from: UserSlice, patience: Patience) -> Result<u64, Errno> {
        let port = self.port.get().ok_or(Errno::ENOTCONN)?;
        let mut left = from;
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(PIECE_BYTES).map_err(|_| Errno::ENOMEM)?;
        let result = self.wait_until(patience, || {
            loop {
                let room = network::with(port, |connection| connection.room_to_send())?;
                if left.len() == 0 {
                    return Ok(Step::Done(()));
                }
                let len = left.len().min(PIECE_BYTES).min(room as usize);
                if len == 0 {
                    if mutant::is(Mutant::VsockDataLost) {
                        left.take_front(left.len() as u64);
                        return Ok(Step::Done(()));
                    }
                    return Ok(Step::Wait);
                }
                buffer.resize(len, 0);
                process::copy_in(left.first(len), &mut buffer)?;
                // Another thread may have used up the room meanwhile.
                let sent = network::send(port, &buffer)?;
                left.take_front(sent as u64);
            }
        });
        match (result, (from.len() - left.len()) as u64) {
            (Err(error), 0) => Err(error),
            (_, sent) => Ok(sent),
        }
    }

    /// Tells the process that nobody receives what it sends, as a signal.
    pub(crate) fn signal_broken_pipe() {
        let (pid, tid) = process::with_table(|table| {
            let tid = table.current();
            (table.current_process().pid().as_u32(), tid.as_u32())
        });
        // It exists: it runs.
        let _ = process::kill_thread(pid.cast_signed(), tid.cast_signed(), SIGPIPE.into());
    }

    /// Receives what there is; 0 at the end.
    pub(crate) fn receive(&self, to: UserSlice, patience: Patience) -> Result<u64, Errno> {
        let port = self.port.get().ok_or(Errno::ENOTCONN)?;
        let mut left = to;
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(PIECE_BYTES).map_err(|_| Errno::ENOMEM)?;
        buffer.resize(PIECE_BYTES, 0);
        let result = self.wait_until(patience, || {
            let available = network::with(port, |connection| connection.available())?;
            match available {
                Some(0) => return Ok(Step::Done(())),
                None if left.len() > 0 => return Ok(Step::Wait),
                _ => {}
            }
            while left.len() > 0 {
                let room = left.len().min(PIECE_BYTES);
                let len = network::with(port, |connection| connection.take_out(&mut buffer[..room]));
                if len == 0 {
                    break;
                }
                if let Err(error) = process::copy_out(left.first(len), &buffer[..len]) {
                    network::with(port, |connection| connection.put_back(&buffer[..len]));
                    return Err(error);
                }
                network::tell(port, |connection| connection.forward(len));
                left.take_front(len as u64);
            }
            Ok(Step::Done(()))
        });
        match (result, (to.len() - left.len()) as u64) {
            (Err(error), 0) => Err(error),
            (_, received) => Ok(received),
        }
    }

    /// Ends directions, given as flags of SHUTDOWN.
    pub(crate) fn shutdown(&self, flags: u32) -> Result<(), Errno> {
        let port = self.port.get().ok_or(Errno::ENOTCONN)?;
        if network::with(port, |connection| connection.stage()) != Stage::Established {
            return Err(Errno::ENOTCONN);
        }
        network::tell(port, |connection| Some(connection.end(flags)));
        readiness::changed();
        Ok(())
    }

    /// What became of the last attempt to connect; told once.
    pub(crate) fn take_error(&self) -> Option<Errno> {
        pick_up();
        self.take_refusal();
        self.error.take()
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience.get()
    }

    /// A connection that was refused is none; the error stays to be told.
    fn take_refusal(&self) {
        if let Some(port) = self.port.get()
            && network::with(port, |connection| connection.stage()) == Stage::Refused
        {
            self.port.set(None);
            self.error.set(Some(Errno::ECONNRESET));
            network::forget(port, |_| None);
        }
    }

    /// Tries until it is done, or fails. What has come is picked up before each try.
    fn wait_until<T>(
        &self,
        patience: Patience,
        mut attempt: impl FnMut() -> Result<Step<T>, Errno>,
    ) -> Result<T, Errno> {
        loop {
            let seen = readiness::changes();
            pick_up();
            match attempt()? {
                Step::Done(result) => return Ok(result),
                Step::Wait if patience == Patience::None => return Err(Errno::EAGAIN),
                Step::Wait => {}
            }
            let _awaited = Awaited::new();
            readiness::wait(seen, None)?;
        }
    }

    fn readiness(&self) -> u16 {
        const READABLE: u16 = POLLIN | POLLRDNORM;
        const WRITABLE: u16 = POLLOUT | POLLWRNORM;
        let error = if self.error.get().is_some() { POLLERR } else { 0 };
        let Some(port) = self.port.get() else {
            return error | WRITABLE;
        };
        network::with(port, |connection| {
            let (own, peer) = (connection.own_ended(), connection.peer_ended());
            let mut bits = error;
            if own == SHUTDOWN_BOTH || own & peer & SHUTDOWN_SEND != 0 {
                bits |= POLLHUP;
            }
            if own & SHUTDOWN_RECEIVE != 0 || peer & SHUTDOWN_SEND != 0 {
                bits |= POLLRDHUP | READABLE;
            }
            if matches!(connection.available(), Ok(Some(1..))) {
                bits |= READABLE;
            }
            // Where sending fails it does not wait either, unless it is this side that has ended it.
            let can_send = match connection.room_to_send() {
                Ok(room) => room > 0,
                Err(_) => own & SHUTDOWN_SEND == 0 && connection.stage() == Stage::Established,
            };
            if can_send { bits | WRITABLE } else { bits }
        })
    }
}

impl FileOperations for Socket {
    /// Closes the connection; what was sent still arrives, what has come does not.
    fn release(&self, _: &OpenFile) {
        pick_up();
        self.take_refusal();
        if let Some(port) = self.port.take() {
            network::forget(port, |connection| {
                Some(match connection.stage() {
                    Stage::Established => connection.end(SHUTDOWN_BOTH),
                    Stage::Connecting | Stage::Refused => connection.reset(),
                })
            });
        }
    }

    fn read(&self, _: &OpenFile, _: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        self.receive(to, self.patience.get())
    }

    fn write(&self, _: &OpenFile, _: &mut u64, from: UserSlice) -> Result<u64, Errno> {
        let result = self.send(from, self.patience.get());
        if result == Err(Errno::EPIPE) {
            Self::signal_broken_pipe();
        }
        result
    }

    fn is_stream(&self) -> bool {
        true
    }

    fn ioctl(&self, _: &OpenFile, request: u32, argument: u64) -> Result<u64, Errno> {
        if request != FIONBIO {
            return Err(Errno::ENOTTY);
        }
        let mut word = [0; 4];
        process::copy_in(UserSlice::new(argument, 4)?, &mut word)?;
        let patience = if word == [0; 4] {
            Patience::Waits
        } else {
            Patience::None
        };
        self.patience.set(patience);
        Ok(0)
    }

    fn poll(&self, _: &OpenFile) -> u16 {
        pick_up();
        self.take_refusal();
        self.readiness()
    }

    fn socket(&self) -> Option<&Socket> {
        Some(self)
    }

    fn status(&self) -> Status {
        Status::socket()
    }
}
