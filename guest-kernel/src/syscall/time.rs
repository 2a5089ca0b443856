//! System calls on time.

use abi::linux::process::{CLOCK_MONOTONIC, CLOCK_REALTIME, TIMER_ABSTIME};

use crate::errno::Errno;
use crate::mm::UserSlice;
use crate::process::{self, Restart, Sleep};
use crate::sched::{self, Disturbed, Moment};

pub(super) const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;
/// Clocks that are the same as the two that everyone uses: raw, coarse and boot time.
const SAME_CLOCKS: [u64; 4] = [4, 5, 6, 7];

/// Every clock starts with the kernel, so that every run is the same.
pub(super) fn clock_gettime(clock: u64, time: u64) -> Result<u64, Errno> {
    check_clock(clock)?;
    let now = sched::now().as_nanoseconds();
    write_time(time, now)
}

pub(super) fn nanosleep(duration: u64, remaining: u64) -> Result<u64, Errno> {
    sleep_for(sched::now().plus(read_time(duration)?), remaining)
}

pub(super) fn clock_nanosleep(clock: u64, flags: u64, time: u64, remaining: u64) -> Result<u64, Errno> {
    check_clock(clock)?;
    let time = read_time(time)?;
    if flags & TIMER_ABSTIME != 0 {
        let until = Moment::START.plus(time);
        sleep_until(until).map_err(|Disturbed| Errno::ERESTARTNOHAND)
    } else {
        sleep_for(sched::now().plus(time), remaining)
    }
}

/// Sleeps until that moment. When a signal ends that early, the time that is left goes to `remaining`, unless that is null.
pub(super) fn sleep_for(until: Moment, remaining: u64) -> Result<u64, Errno> {
    let Err(Disturbed) = sleep_until(until) else {
        return Ok(0);
    };
    let left = until.since(sched::now());
    if left == 0 {
        return Ok(0);
    }
    if remaining != 0 {
        write_time(remaining, left)?;
    }
    process::with_thread(|thread| thread.set_restart(Restart::Sleep { until, remaining }));
    Err(Errno::ERESTART_RESTARTBLOCK)
}

fn sleep_until(moment: Moment) -> Result<u64, Disturbed> {
    if moment > sched::now() {
        sched::sleep(Sleep::Until(moment))?;
    }
    Ok(0)
}

fn check_clock(clock: u64) -> Result<(), Errno> {
    if clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || SAME_CLOCKS.contains(&clock) {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// Nanoseconds of a `struct timespec`.
pub(super) fn read_time(address: u64) -> Result<u64, Errno> {
    let (seconds, nanoseconds) = process::with_memory(|space| {
        Ok((space.read_u64(address)?, space.read_u64(address.wrapping_add(8))?))
    })?;
    if seconds.cast_signed() < 0 || nanoseconds >= NANOSECONDS_PER_SECOND {
        return Err(Errno::EINVAL);
    }
    Ok(seconds
        .saturating_mul(NANOSECONDS_PER_SECOND)
        .saturating_add(nanoseconds))
}

fn write_time(address: u64, nanoseconds: u64) -> Result<u64, Errno> {
    let mut time = [0; 16];
    time[..8].copy_from_slice(&(nanoseconds / NANOSECONDS_PER_SECOND).to_le_bytes());
    time[8..].copy_from_slice(&(nanoseconds % NANOSECONDS_PER_SECOND).to_le_bytes());
    let to = UserSlice::new(address, 16)?;
    process::copy_out(to, &time).map(|()| 0)
}
