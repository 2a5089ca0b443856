//! Events: what the kernel tells the VMM. On a machine without Ringside nothing is sent.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use abi::event::{self, EventRecord, MAX_TEXT_BYTES};
use abi::thread;

use crate::arch;
use crate::mm::{
    Access, Awaited, AwaitedFor, FrameNumber, PageRange, PhysAddr, VirtAddr, physical_address_of,
};
use crate::module::Name;
use crate::mutant::{self, Mutant};
use crate::process::{Fault, Pid, Sleep, State, Tid};
use crate::sched::Site;
use crate::sync::Lock;
use crate::uffd::Toucher;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Booted {
        root: FrameNumber,
    },
    FrameTable {
        address: PhysAddr,
        frames: usize,
    },
    Created {
        pid: Pid,
        parent: Option<Pid>,
        root: FrameNumber,
    },
    Executed {
        pid: Pid,
        root: FrameNumber,
    },
    Exited {
        pid: Pid,
        status: u32,
    },
    Reaped {
        pid: Pid,
    },
    FatalFault {
        pid: Pid,
        fault: Fault,
    },
    PowerOff,
    FirstUser {
        pid: Pid,
    },
    Switched {
        next: Tid,
        previous: Tid,
        state: State,
    },
    Woken {
        tid: Tid,
    },
    ThreadCreated {
        tid: Tid,
        process: Pid,
    },
    ThreadExited {
        tid: Tid,
        process: Pid,
    },
    Adopted {
        pid: Pid,
        parent: Pid,
    },
    Choice {
        running: Tid,
        candidates: PhysAddr,
        count: usize,
        site: Site,
    },
    PagesProtected {
        first: VirtAddr,
        pages: u64,
    },
    PagesOffered {
        module: Name,
        first: VirtAddr,
        pages: u64,
    },
    UserFaultRegistered {
        pid: Pid,
        range: PageRange,
        /// `UFFDIO_REGISTER_MODE_*`
        mode: u64,
    },
    UserFault {
        tid: Tid,
        awaited: Awaited,
        toucher: Toucher,
    },
    UserFaultServed {
        tid: Tid,
        page: VirtAddr,
    },
}

/// Whether the VMM answered when it was asked.
static LISTENING: AtomicBool = AtomicBool::new(false);

/// The record that the VMM copies; filled and sent before anything else can fill it.
static RECORD: Lock<EventRecord> = Lock::new(EventRecord {
    kind: 0,
    pid: 0,
    arguments: [0; 4],
});

/// Asks whether anyone listens.
pub(crate) fn probe() {
    LISTENING.store(arch::read_u32(event::PORT) == event::PRESENCE, Ordering::Relaxed);
}

/// Whether this is a Ringside machine.
pub(crate) fn is_listening() -> bool {
    LISTENING.load(Ordering::Relaxed)
}

/// Sends an event.
pub(crate) fn send(event: Event) {
    let (kind, subject, arguments) = encode(event);
    send_record(EventRecord {
        kind,
        pid: subject.map_or(0, Tid::as_u32),
        arguments,
    });
}

/// Kind, process or thread that it is about, arguments.
fn encode(event: Event) -> (u32, Option<Tid>, [u64; 4]) {
    match event {
        Event::Booted { root } => (event::BOOTED, None, [root.address(), 0, 0, 0]),
        Event::FrameTable { address, frames } => {
            (event::FRAME_TABLE, None, [address.as_u64(), frames as u64, 0, 0])
        }
        Event::Created { pid, parent, root } => {
            let parent = parent.map_or(0, Pid::as_u32);
            (
                event::CREATED,
                Some(pid.into()),
                [parent.into(), root.address(), 0, 0],
            )
        }
        Event::Executed { pid, root } => (event::EXECUTED, Some(pid.into()), [root.address(), 0, 0, 0]),
        Event::Exited { pid, status } => {
            let kind = if mutant::is(Mutant::NonsenseReport) {
                u32::MAX
            } else {
                event::EXITED
            };
            (kind, Some(pid.into()), [status.into(), 0, 0, 0])
        }
        Event::Reaped { pid } => (event::REAPED, Some(pid.into()), [0; 4]),
        Event::FatalFault { pid, fault } => {
            let Fault {
                vector,
                error_code,
                address,
                instruction,
            } = fault;
            (
                event::FATAL_FAULT,
                Some(pid.into()),
                [vector, error_code, address, instruction],
            )
        }
        Event::PowerOff => (event::POWER_OFF, None, [0; 4]),
        Event::FirstUser { pid } => (event::FIRST_USER, Some(pid.into()), [0; 4]),
        Event::Switched {
            next,
            previous,
            state,
        } => {
            let (state, reason) = encode_state(state);
            (
                event::SWITCHED,
                Some(next),
                [previous.as_u32().into(), state, reason, 0],
            )
        }
        Event::Woken { tid } => (event::WOKEN, Some(tid), [0; 4]),
        Event::ThreadCreated { tid, process } => (
            event::THREAD_CREATED,
            Some(tid),
            [process.as_u32().into(), 0, 0, 0],
        ),
        Event::ThreadExited { tid, process } => (
            event::THREAD_EXITED,
            Some(tid),
            [process.as_u32().into(), 0, 0, 0],
        ),
        Event::Adopted { pid, parent } => (
            event::ADOPTED,
            Some(pid.into()),
            [parent.as_u32().into(), 0, 0, 0],
        ),
        Event::Choice {
            running,
            candidates,
            count,
            site,
        } => {
            let arguments = [candidates.as_u64(), count as u64, site as u64, 0];
            (event::CHOICE, Some(running), arguments)
        }
        Event::PagesProtected { first, pages } => {
            (event::PAGES_PROTECTED, None, [first.as_u64(), pages, 0, 0])
        }
        Event::PagesOffered { module, first, pages } => {
            let [low, high] = module.in_words();
            (event::PAGES_OFFERED, None, [first.as_u64(), pages, low, high])
        }
        Event::UserFaultRegistered { pid, range, mode } => (
            event::USER_FAULT_REGISTERED,
            Some(pid.into()),
            [range.start().as_u64(), range.bytes(), mode, 0],
        ),
        Event::UserFault {
            tid,
            awaited,
            toucher,
        } => {
            let page = awaited.address.page().as_u64();
            (
                event::USER_FAULT,
                Some(tid),
                [page, user_fault_flags(awaited, toucher), 0, 0],
            )
        }
        Event::UserFaultServed { tid, page } => {
            (event::USER_FAULT_SERVED, Some(tid), [page.as_u64(), 0, 0, 0])
        }
    }
}

fn user_fault_flags(awaited: Awaited, toucher: Toucher) -> u64 {
    let store = match awaited.access {
        Access::Write => event::USER_FAULT_WRITE,
        Access::Read | Access::Execute => 0,
    };
    let reason = match awaited.reason {
        AwaitedFor::Page => 0,
        AwaitedFor::Store => event::USER_FAULT_WRITE_PROTECTED,
    };
    let place = match toucher {
        Toucher::Program => 0,
        Toucher::Kernel => event::USER_FAULT_IN_KERNEL,
    };
    store | reason | place
}

/// A state and what a sleeping thread waits for, in the numbers of [`abi::thread`].
fn encode_state(state: State) -> (u64, u64) {
    match state {
        State::Runnable => (thread::RUNNABLE, 0),
        State::Ended => (thread::ENDED, 0),
        State::Sleeping(reason) => {
            let reason = match reason {
                Sleep::Child(_) => thread::CHILD,
                Sleep::Until(_) => thread::TIMER,
                Sleep::Futex(..) => thread::FUTEX,
                Sleep::Threads => thread::THREADS,
                Sleep::Signal(..) => thread::SIGNAL,
                Sleep::UserFault => thread::USER_FAULT,
                Sleep::Ready(_) => thread::READY,
            };
            (thread::SLEEPING, reason)
        }
    }
}

/// Sends a line for the log.
pub(crate) fn send_log(text: &Text) {
    send_text(event::LOG, text, 0);
}

/// Sends what the kernel has to say at its end.
pub(crate) fn send_panic(text: &Text, instruction: u64) {
    send_text(event::PANIC, text, instruction);
}

fn send_text(kind: u32, text: &Text, instruction: u64) {
    let address = physical_address_of(&text.bytes).as_u64();
    send_record(EventRecord {
        kind,
        pid: 0,
        arguments: [address, text.len as u64, instruction, 0],
    });
}

fn send_record(record: EventRecord) {
    if is_listening() {
        let mut slot = RECORD.lock();
        *slot = record;
        arch::write_u32(event::PORT, physical_address_of(&*slot).as_u64() as u32);
    }
}

/// Text in static memory, where the VMM can read it. What does not fit is cut off.
pub(crate) struct Text {
    bytes: [u8; MAX_TEXT_BYTES as usize],
    len: usize,
}

impl Text {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; MAX_TEXT_BYTES as usize],
            len: 0,
        }
    }

    /// Replaces the text.
    pub(crate) fn set(&mut self, text: fmt::Arguments<'_>) {
        self.len = 0;
        // Formatting fails only when the text is full, and then what fits is there.
        let _ = fmt::write(self, text);
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.len() - self.len;
        let fits = &text[..text.floor_char_boundary(room)];
        self.bytes[self.len..self.len + fits.len()].copy_from_slice(fits.as_bytes());
        self.len += fits.len();
        if fits.len() == text.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_TEXT_BYTES, Text};

    #[test]
    fn text_that_is_too_long_is_cut_between_characters() {
        let mut text = Text::new();
        let long = "x".repeat(MAX_TEXT_BYTES as usize - 1) + "\u{e9}";
        text.set(format_args!("{long}"));
        assert_eq!(text.as_bytes().len(), MAX_TEXT_BYTES as usize - 1);
        text.set(format_args!("short {}", 1));
        assert_eq!(text.as_bytes(), b"short 1");
    }
}
