//! UFFDIO_COPY and UFFDIO_ZEROPAGE: pages where there are none.

use abi::PAGE_SIZE;
use abi::linux::userfaultfd::{
    UFFDIO_COPY_MODE_DONTWAKE, UFFDIO_COPY_MODE_WP, UFFDIO_ZEROPAGE_MODE_DONTWAKE,
};

use super::context::ContextId;
use super::{request, wait};
use crate::errno::Errno;
use crate::mm::{FrameRef, Guard, PageRange, UserSlice, new_page, new_zero_page};
use crate::mutant::{self, Mutant};
use crate::{process, sched};

/// Index of the words for the answers.
const COPY: u64 = 4;
const ZEROPAGE: u64 = 3;

/// What becomes of those who wait for the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiters {
    Wake,
    Leave,
}

pub(super) fn copy(id: ContextId, argument: u64) -> Result<(), Errno> {
    let [to, from, bytes, mode] = request::words(argument)?;
    request::check_bytes(from, bytes)?;
    let range = request::range(to, bytes)?;
    if mode & !(UFFDIO_COPY_MODE_DONTWAKE | UFFDIO_COPY_MODE_WP) != 0 {
        return Err(Errno::EINVAL);
    }
    let guard = if mode & UFFDIO_COPY_MODE_WP == 0 {
        Guard::Off
    } else {
        Guard::On
    };
    let mut waiters = waiters(mode & UFFDIO_COPY_MODE_DONTWAKE);
    if waiters == Waiters::Wake && mutant::is(Mutant::UffdWakesBeforeCopy) {
        wait::wake(id, range);
        sched::yield_now();
        waiters = Waiters::Leave;
    }
    let filled = fill(id, range, guard, |offset_bytes| {
        let frame = new_page()?;
        let page = UserSlice::new(from + offset_bytes, PAGE_SIZE)?;
        process::with_memory(|space| space.read_page(page, &frame))?;
        Ok(frame)
    });
    finish(id, range, filled, waiters, |answer| {
        request::answer(argument, COPY, answer)
    })
}

pub(super) fn fill_with_zeros(id: ContextId, argument: u64) -> Result<(), Errno> {
    let [start, bytes, mode] = request::words(argument)?;
    let range = request::range(start, bytes)?;
    if mode & !UFFDIO_ZEROPAGE_MODE_DONTWAKE != 0 {
        return Err(Errno::EINVAL);
    }
    let filled = fill(id, range, Guard::Off, |_| Ok(new_zero_page()?));
    finish(id, range, filled, waiters(mode), |answer| {
        request::answer(argument, ZEROPAGE, answer)
    })
}

fn waiters(dont_wake: u64) -> Waiters {
    if dont_wake == 0 {
        Waiters::Wake
    } else {
        Waiters::Leave
    }
}

/// How it went: all pages or an error of the first is final; an error of a later one is for a next call to find.
#[derive(Clone, Copy, Debug)]
enum Filled {
    Bytes(u64),
    Refused(Errno),
    /// There is no such memory any more.
    Gone,
}

/// Makes pages one after the other. Nothing is held while a page is made: its contents may be somebody's to provide, too.
fn fill(
    id: ContextId,
    range: PageRange,
    guard: Guard,
    mut make: impl FnMut(u64) -> Result<FrameRef, Errno>,
) -> Filled {
    let memory = id.get().memory;
    let mut done_bytes = 0;
    while done_bytes < range.bytes() {
        let page = range.start().plus(done_bytes);
        let rest = PageRange::new(page, range.end());
        let is_possible = memory.with(|space| space.check_fill(rest, guard));
        let filled = is_possible.map(|is_possible| {
            is_possible?;
            let frame = make(done_bytes)?;
            let target = if mutant::is(Mutant::UffdCopyWrongPage) {
                page.plus(PAGE_SIZE)
            } else {
                page
            };
            let filled = memory.with(|space| space.fill(target, frame, guard));
            filled.unwrap_or(Err(Errno::ESRCH))
        });
        match filled {
            Some(Ok(())) => done_bytes += PAGE_SIZE,
            _ if done_bytes > 0 => break,
            Some(Err(error)) => return Filled::Refused(error),
            None => return Filled::Gone,
        }
    }
    Filled::Bytes(done_bytes)
}

/// Answers, and wakes who waited for what is there now. EAGAIN when it is not all.
fn finish(
    id: ContextId,
    range: PageRange,
    filled: Filled,
    waiters: Waiters,
    answer: impl FnOnce(u64) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let bytes = match filled {
        Filled::Bytes(bytes) => bytes,
        Filled::Refused(error) => {
            answer(error.as_result())?;
            return Err(error);
        }
        Filled::Gone => return Err(Errno::ESRCH),
    };
    answer(bytes)?;
    if waiters == Waiters::Wake {
        wait::wake(id, PageRange::new(range.start(), range.start().plus(bytes)));
    }
    if bytes == range.bytes() {
        Ok(())
    } else {
        Err(Errno::EAGAIN)
    }
}
