//! Threads that wait until their fault is served, and waking them.

use core::sync::atomic::{AtomicBool, Ordering};

use abi::linux::userfaultfd::{
    UFFD_FEATURE_EXACT_ADDRESS, UFFD_FEATURE_SIGBUS, UFFD_FEATURE_THREAD_ID, UFFD_PAGEFAULT_FLAG_WP,
    UFFD_PAGEFAULT_FLAG_WRITE,
};

use super::context::{ContextId, Scope};
use super::events;
use crate::fs::readiness;
use crate::mm::{Access, Awaited, AwaitedFor, PageRange};
use crate::mutant::{self, Mutant};
use crate::process::{self, Sleep, Tid, Woken};
use crate::sched::{self, Disturbed, Waiters};
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
    /// A signal is there for it, or its process is to end. While the kernel copies, only the latter.
    Interrupted,
    /// Nobody provides the page: SIGBUS, or EFAULT in the kernel.
    NoPage,
}

/// What a thread waits for.
#[derive(Clone, Copy)]
struct Fault {
    awaited: Awaited,
    is_told: bool,
}

static WAITERS: Lock<Waiters<Fault>> = Lock::new(Waiters::new());

/// An area that somebody serves was unmapped in this system call.
static SOME_UNMAPPED: AtomicBool = AtomicBool::new(false);

/// What a message tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) flags: u64,
    pub(super) address: u64,
    pub(super) thread: u32,
}

impl Fault {
    fn is_untold(&self, id: ContextId) -> bool {
        self.awaited.context == id && !self.is_told
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
            Err(NotWaited::Interrupted)
        } else {
            Ok(table.current())
        }
    })?;
    let is_told = mutant::is(Mutant::UffdFaultUntold);
    WAITERS.lock().push(tid, Fault { awaited, is_told });
    events::fault(tid, awaited, toucher);
    readiness::changed();
    sched::sleep(Sleep::UserFault(toucher)).map_err(|Disturbed| NotWaited::Interrupted)?;
    Ok(())
}

/// Whoever waits in the range looks again.
pub(super) fn wake(id: ContextId, range: PageRange) {
    wake_those(|awaited| awaited.context == id && range.contains(awaited.address));
}

/// The context is about to be gone.
pub(super) fn wake_all(id: ContextId) {
    wake_those(|awaited| awaited.context == id);
}

fn wake_those(is_wanted: impl Fn(&Awaited) -> bool) {
    loop {
        let found = WAITERS.lock().first(|fault| is_wanted(&fault.awaited));
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
    wake_those(|awaited| {
        let (context, address) = (awaited.context, awaited.address);
        let is_served = context.get().memory.with(|space| space.serves(address, context));
        is_served == Some(false)
    });
}

/// A thread has been woken.
pub(crate) fn forget(tid: Tid) {
    WAITERS.lock().remove(tid);
}

pub(super) fn has_message(id: ContextId) -> bool {
    WAITERS.lock().first(|fault| fault.is_untold(id)).is_some()
}

/// Takes the oldest message.
pub(super) fn take_message(id: ContextId) -> Option<Message> {
    let features = id.get().features.unwrap_or(0);
    let mut waiters = WAITERS.lock();
    let (tid, fault) = waiters.first_mut(|fault| fault.is_untold(id))?;
    fault.is_told = !mutant::is(Mutant::UffdMessageTwice);
    let Awaited {
        address,
        access,
        reason,
        ..
    } = fault.awaited;
    let tells = |feature| features & feature != 0;
    let exact = tells(UFFD_FEATURE_EXACT_ADDRESS);
    Some(Message {
        flags: flags(access, reason),
        address: if exact { address } else { address.page() }.as_u64(),
        thread: if tells(UFFD_FEATURE_THREAD_ID) {
            tid.as_u32()
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
