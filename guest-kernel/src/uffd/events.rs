//! What the kernel tells of faults that programs serve.

use abi::event;

use super::Toucher;
use crate::events::send;
use crate::mm::{Access, Awaited, AwaitedFor, PageRange, VirtAddr};
use crate::process::{Pid, Tid};

/// Faults in the range are the program's to serve, or nobody's with mode 0; `mode` is of `UFFDIO_REGISTER_MODE_*`.
pub(super) fn registered(pid: Pid, range: PageRange, mode: u64) {
    send(
        event::USER_FAULT_REGISTERED,
        pid.as_u32(),
        [range.start().as_u64(), range.bytes(), mode, 0],
    );
}

/// A thread begins to wait.
pub(super) fn fault(tid: Tid, awaited: Awaited, toucher: Toucher) {
    let page = awaited.address.page().as_u64();
    send(
        event::USER_FAULT,
        tid.as_u32(),
        [page, flags(awaited, toucher), 0, 0],
    );
}

/// It goes on: its page is there.
pub(crate) fn served(tid: Tid, page: VirtAddr) {
    send(event::USER_FAULT_SERVED, tid.as_u32(), [page.as_u64(), 0, 0, 0]);
}

fn flags(awaited: Awaited, toucher: Toucher) -> u64 {
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
