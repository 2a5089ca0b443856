//! System calls on the timer that sends a signal.

use abi::linux::process::{ITIMER_REAL, ITIMERVAL_BYTES};

use super::time::NANOSECONDS_PER_SECOND;
use crate::errno::Errno;
use crate::mm::UserSlice;
use crate::process::{self, RealTimer};
use crate::sched;

const NANOSECONDS_PER_MICROSECOND: u64 = 1000;
const MICROSECONDS_PER_SECOND: u64 = NANOSECONDS_PER_SECOND / NANOSECONDS_PER_MICROSECOND;

/// No new value means none, as Linux has it.
pub(super) fn setitimer(which: u64, new: u64, old: u64) -> Result<u64, Errno> {
    let timer = if new == 0 {
        RealTimer::default()
    } else {
        let mut bytes = [0; ITIMERVAL_BYTES];
        process::copy_in(UserSlice::new(new, ITIMERVAL_BYTES as u64)?, &mut bytes)?;
        let (words, _) = bytes.as_chunks();
        let [interval_seconds, interval, seconds, value] =
            core::array::from_fn(|i| u64::from_le_bytes(words[i]));
        timer_of(
            nanoseconds(interval_seconds, interval)?,
            nanoseconds(seconds, value)?,
        )
    };
    check(which)?;
    let was = process::real_timer(Some(timer));
    if old == 0 { Ok(0) } else { write(old, was) }
}

pub(super) fn getitimer(which: u64, value: u64) -> Result<u64, Errno> {
    check(which)?;
    write(value, process::real_timer(None))
}

/// Gives the seconds that were left of the alarm before, not 0 if there was one.
pub(super) fn alarm(seconds: u64) -> Result<u64, Errno> {
    // A C unsigned int.
    let seconds = u64::from(seconds as u32);
    let was = process::real_timer(Some(timer_of(0, seconds * NANOSECONDS_PER_SECOND)));
    let left = left_of(was);
    let (whole, rest) = (left / NANOSECONDS_PER_SECOND, left % NANOSECONDS_PER_SECOND);
    let rounds_up = rest >= NANOSECONDS_PER_SECOND / 2 || whole == 0 && rest > 0;
    Ok(whole + u64::from(rounds_up))
}

/// EINVAL for a timer that nothing is, and for those of processor time.
fn check(which: u64) -> Result<(), Errno> {
    if u64::from(which as u32) == ITIMER_REAL {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

fn timer_of(interval: u64, value: u64) -> RealTimer {
    RealTimer {
        expires: (value != 0).then(|| sched::now().plus(value)),
        interval,
    }
}

/// Nanoseconds until it runs out, 0 when it does not run. One that is late is about to.
fn left_of(timer: RealTimer) -> u64 {
    timer.expires.map_or(0, |expires| {
        expires.since(sched::now()).max(NANOSECONDS_PER_MICROSECOND)
    })
}

/// Of a `struct timeval`.
fn nanoseconds(seconds: u64, microseconds: u64) -> Result<u64, Errno> {
    if seconds.cast_signed() < 0 || microseconds >= MICROSECONDS_PER_SECOND {
        return Err(Errno::EINVAL);
    }
    Ok(seconds
        .saturating_mul(NANOSECONDS_PER_SECOND)
        .saturating_add(microseconds * NANOSECONDS_PER_MICROSECOND))
}

fn write(address: u64, timer: RealTimer) -> Result<u64, Errno> {
    let mut bytes = [0; ITIMERVAL_BYTES];
    for (place, time) in bytes.chunks_exact_mut(16).zip([timer.interval, left_of(timer)]) {
        let microseconds = time % NANOSECONDS_PER_SECOND / NANOSECONDS_PER_MICROSECOND;
        place[..8].copy_from_slice(&(time / NANOSECONDS_PER_SECOND).to_le_bytes());
        place[8..].copy_from_slice(&microseconds.to_le_bytes());
    }
    process::copy_out(UserSlice::new(address, ITIMERVAL_BYTES as u64)?, &bytes).map(|()| 0)
}
