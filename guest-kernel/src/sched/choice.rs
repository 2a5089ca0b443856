//! Reschedule points: places where the kernel does much at once and another thread may go first.
//!
//! With `schedule=vmm` on the command line the VMM decides who does, among the threads of the same process: see
//! [`abi::schedule`]. A program that makes a process group of its own is explored as a whole: then these are the threads of all
//! its processes, and there are more points. Init's group is the agents', who take turns as the VMM says anyway. Without
//! `schedule=vmm` a thread goes on until its slice is over, which only an interrupt can find out.

use core::sync::atomic::{AtomicBool, Ordering};

use abi::event;
use abi::schedule::{self, MAX_CANDIDATES};

use super::{READY, run_instead};
use crate::arch;
use crate::events;
use crate::mm::physical_address_of;
use crate::process::{self, Pid, Tid};
use crate::sync::Lock;

/// Where in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Site {
    GetUserPages = schedule::GET_USER_PAGES,
    Madvise = schedule::MADVISE,
    ShadowptOpen = schedule::SHADOWPT_OPEN,
    ShadowptMap = schedule::SHADOWPT_MAP,
    ShadowptClose = schedule::SHADOWPT_CLOSE,
    ShadowptStart = schedule::SHADOWPT_START,
    ShadowptStop = schedule::SHADOWPT_STOP,
    Fault = schedule::FAULT,
    Fork = schedule::FORK,
    Exit = schedule::EXIT,
}

impl Site {
    /// Whether it matters to the threads of one process, too. The other ones would only make their schedules more.
    fn is_for_threads(self) -> bool {
        match self {
            Self::GetUserPages | Self::Madvise => true,
            Self::ShadowptOpen
            | Self::ShadowptMap
            | Self::ShadowptClose
            | Self::ShadowptStart
            | Self::ShadowptStop
            | Self::Fault
            | Self::Fork
            | Self::Exit => false,
        }
    }
}

static VMM_DECIDES: AtomicBool = AtomicBool::new(false);

/// Numbers of those who could go on, where the VMM can read them.
static CANDIDATES: Lock<[u32; MAX_CANDIDATES]> = Lock::new([0; MAX_CANDIDATES]);

/// From now on the VMM decides.
pub(crate) fn decide_by_vmm() {
    VMM_DECIDES.store(events::is_listening(), Ordering::Relaxed);
}

/// Called without any lock held: others may run before this returns.
pub(crate) fn reschedule_point(site: Site) {
    if !VMM_DECIDES.load(Ordering::Relaxed) {
        return;
    }
    let next = process::with_table(|table| {
        let running = table.current();
        let process = table.thread(running).process();
        let group = table.process(process).group();
        let is_apart = group != Pid::INIT;
        if !is_apart && !site.is_for_threads() {
            return None;
        }
        let others = READY.lock();
        let mut candidates = CANDIDATES.lock();
        candidates[0] = running.as_u32();
        let mut count = 1;
        for tid in others.iter() {
            let other = table.thread(tid).process();
            let is_candidate = other == process || is_apart && table.process(other).group() == group;
            if is_candidate && count < MAX_CANDIDATES {
                candidates[count] = tid.as_u32();
                count += 1;
            }
        }
        if count == 1 {
            return None;
        }
        let address = physical_address_of(&*candidates).as_u64();
        let arguments = [address, count as u64, site as u64, 0];
        events::send(event::CHOICE, running.as_u32(), arguments);
        let index = arch::read_u32(schedule::PORT) as usize;
        let chosen = candidates[..count].get(index).copied();
        chosen.map(Tid::new).filter(|&tid| tid != running)
    });
    if let Some(next) = next {
        READY.lock().remove(next);
        run_instead(next);
    }
}
