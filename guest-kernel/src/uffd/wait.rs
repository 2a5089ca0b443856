//! Threads that wait until their fault is served, and waking them.

use core::sync::atomic::{AtomicBool, Ordering};

use abi::linux::userfaultfd::{
    UFFD_FEATURE_EXACT_ADDRESS, UFFD_FEATURE_SIGBUS, UFFD_FEATURE_THREAD_ID, UFFD_PAGEFAULT_FLAG_WP,
    UFFD_PAGEFAULT_FLAG_WRITE,
};

use super::context::{ContextId, Scope};
use crate::device::events::{self, Event};
use crate::fs::readiness;
use crate::mm::{Access, Awaited, AwaitedFor, MAX_STACKS, PageRange};
use crate::mutant::{self, Mutant};
use crate::process::{self, Sleep, Tid, Woken};
use crate::sched;
use crate::sync::Lock;

/// Who touched the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toucher {
    Program,
    /// The kernel, which copies for it.
    Kernel,
}

/// Why a thread does not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotWaited {
    /// Its process is to end.
    Ending,
    /// Nobody provides the page: SIGBUS, or EFAULT in the kernel.
    NoPage,
}

#[derive(Clone, Copy)]
struct Waiter {
    tid: Tid,
    awaited: Awaited,
    is_told: bool,
}

/// Those that wait, in the order in which they came. A thread waits for one page at most, so there is room.
struct Waiters {
    slots: [Option<Waiter>; MAX_STACKS],
    len: usize,
}

static WAITERS: Lock<Waiters> = Lock::new(Waiters {
    slots: [None; MAX_STACKS],
    len: 0,
});

/// An area that somebody serves was unmapped in this system call.
static SOME_UNMAPPED: AtomicBool = AtomicBool::new(false);

/// What a message tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) flags: u64,
    pub(super) address: u64,
    pub(super) thread: u32,
}

impl Waiters {
    fn iter(&self) -> impl Iterator<Item = &Waiter> {
        self.slots[..self.len].iter().flatten()
    }

    fn find(&self, is_wanted: impl Fn(&Waiter) -> bool) -> Option<Tid> {
        self.iter()
            .find(|waiter| is_wanted(waiter))
            .map(|waiter| waiter.tid)
    }

    fn untold(&mut self, id: ContextId) -> Option<&mut Waiter> {
        let mut waiters = self.slots[..self.len].iter_mut().flatten();
        waiters.find(|waiter| waiter.awaited.context == id && !waiter.is_told)
    }
}

/// Stops the thread that runs until somebody has served the fault, perhaps: it looks again.
pub(crate) fn wait(awaited: Awaited, toucher: Toucher) -> Result<(), NotWaited> {
    let context = awaited.context.get();
    let features = context.features.unwrap_or(0);
    let is_out_of_scope = context.scope == Scope::UserMode && toucher == Toucher::Kernel;
    if features & UFFD_FEATURE_SIGBUS != 0 || is_out_of_scope {
        return Err(NotWaited::NoPage);
    }
    let tid = process::with_table(|table| {
        if table.current_must_end() {
            Err(NotWaited::Ending)
        } else {
            Ok(table.current())
        }
    })?;
    {
        let mut waiters = WAITERS.lock();
        let last = waiters.len;
        waiters.slots[last] = Some(Waiter {
            tid,
            awaited,
            is_told: mutant::is(Mutant::UffdFaultUntold),
        });
        waiters.len += 1;
    }
    events::send(Event::UserFault {
        tid,
        awaited,
        toucher,
    });
    readiness::changed();
    sched::sleep(Sleep::UserFault).map_err(|_| NotWaited::Ending)?;
    Ok(())
}

/// Whoever waits in the range looks again.
pub(super) fn wake(id: ContextId, range: PageRange) {
    wake_those(|waiter| waiter.awaited.context == id && range.contains(waiter.awaited.address));
}

/// The context is about to be gone.
pub(super) fn wake_all(id: ContextId) {
    wake_those(|waiter| waiter.awaited.context == id);
}

fn wake_those(is_wanted: impl Fn(&Waiter) -> bool) {
    loop {
        let found = WAITERS.lock().find(&is_wanted);
        let Some(tid) = found else { return };
        process::with_table(|table| table.wake(tid, Woken::ByEvent));
    }
}

/// Part of an area that somebody serves goes: who waits there is woken at the end of the system call.
pub(crate) fn note_unmapped() {
    SOME_UNMAPPED.store(true, Ordering::Relaxed);
}

/// Wakes who waits for a page that nobody serves any more. Called with nothing held.
pub(crate) fn wake_stranded() {
    if !SOME_UNMAPPED.load(Ordering::Relaxed) {
        return;
    }
    SOME_UNMAPPED.store(false, Ordering::Relaxed);
    wake_those(|waiter| {
        let Awaited { context, address, .. } = waiter.awaited;
        let is_served = context.get().memory.with(|space| space.serves(address, context));
        is_served == Some(false)
    });
}

/// A thread has been woken.
pub(crate) fn forget(tid: Tid) {
    let mut waiters = WAITERS.lock();
    let is_it = |slot: &Option<Waiter>| slot.is_some_and(|waiter| waiter.tid == tid);
    let len = waiters.len;
    if let Some(index) = waiters.slots[..len].iter().position(is_it) {
        waiters.slots.copy_within(index + 1..len, index);
        waiters.len -= 1;
    }
}

pub(super) fn has_message(id: ContextId) -> bool {
    WAITERS.lock().untold(id).is_some()
}

/// Takes the oldest message.
pub(super) fn take_message(id: ContextId) -> Option<Message> {
    let features = id.get().features.unwrap_or(0);
    let mut waiters = WAITERS.lock();
    let waiter = waiters.untold(id)?;
    waiter.is_told = !mutant::is(Mutant::UffdMessageTwice);
    let Awaited {
        address,
        access,
        reason,
        ..
    } = waiter.awaited;
    let tells = |feature| features & feature != 0;
    let exact = tells(UFFD_FEATURE_EXACT_ADDRESS);
    Some(Message {
        flags: flags(access, reason),
        address: if exact { address } else { address.page() }.as_u64(),
        thread: if tells(UFFD_FEATURE_THREAD_ID) {
            waiter.tid.as_u32()
        } else {
            0
        },
    })
}

fn flags(access: Access, reason: AwaitedFor) -> u64 {
    let store = match access {
        Access::Write => UFFD_PAGEFAULT_FLAG_WRITE,
        Access::Read | Access::Execute => 0,
    };
    match reason {
        AwaitedFor::Page => store,
        AwaitedFor::Store => store | UFFD_PAGEFAULT_FLAG_WP,
    }
}
