//! SIGALRM at a moment, once or again and again.

use core::time::Duration;

use abi::linux::process::{ITIMER_REAL, SIGALRM};
use abi::linux::signal::SIGSET_BYTES;
use guest_user::child;
use guest_user::syscall::handler::Action;
use guest_user::syscall::signal::{SignalSet, block, pause, pending, suspend, unblock};
use guest_user::syscall::timer::{Timer, alarm, set_timer, timer};
use guest_user::syscall::{Outcome, process, time};

use crate::{fact, on, record, runs};

/// Microseconds.
const SOON: i64 = 20_000;

pub(crate) fn facts() {
    let once = Timer {
        value: [0, SOON],
        ..Timer::default()
    };
    let again = Timer {
        interval: [0, SOON],
        ..once
    };
    let case = |what, which, timer| fact(what, Outcome::from(set_timer(which, timer)));
    case("a timer that nothing is", 3, once);
    case(
        "a second of microseconds",
        ITIMER_REAL,
        Timer {
            value: [0, 1_000_000],
            ..once
        },
    );
    case(
        "negative seconds",
        ITIMER_REAL,
        Timer {
            interval: [-1, 0],
            ..once
        },
    );
    fact("none runs", timer(ITIMER_REAL) == Ok(Timer::default()));

    on(SIGALRM, Action::run(record));
    let set = SignalSet::of(&[SIGALRM]);
    // The call that waits for it lets it in, so that it does not come before.
    block(set).expect("rt_sigprocmask");
    case("once", ITIMER_REAL, once);
    let suspended = suspend(SignalSet::default(), SIGSET_BYTES);
    fact("rt_sigsuspend", Outcome::from(suspended));
    unblock(set).expect("rt_sigprocmask");
    fact("the handler ran", runs());
    fact("none runs", timer(ITIMER_REAL) == Ok(Timer::default()));
    case("again and again", ITIMER_REAL, again);
    for _ in 0..3 {
        let _ = pause();
    }
    let interval = timer(ITIMER_REAL).map(|timer| timer.interval);
    fact("the interval", interval == Ok(again.interval));
    case("no more", ITIMER_REAL, Timer::default());
    fact("the handler ran", runs().min(3));
    time::sleep(Duration::from_millis(60));
    fact("and no more", runs());

    block(set).expect("rt_sigprocmask");
    case("blocked", ITIMER_REAL, again);
    time::sleep(Duration::from_millis(100));
    fact("it waits", pending() == Ok(set));
    unblock(set).expect("rt_sigprocmask");
    let _ = set_timer(ITIMER_REAL, Timer::default());
    fact("once", runs().min(1));

    fact("an alarm", alarm(100).unwrap_or(1000));
    let value = timer(ITIMER_REAL).map_or(0, |timer| timer.value[0]);
    fact("it runs", (90..=100).contains(&value));
    let status = child::run(|| process::exit(alarm(0).unwrap_or(7) as i32));
    fact("a child has none", status);
    let _ = alarm(100);
    // On a busy machine a second can pass between two calls.
    let second = loop {
        let another = alarm(1).unwrap_or(0);
        let before = time::now().expect("clock_gettime");
        let left = alarm(0).unwrap_or(0);
        if time::now().expect("clock_gettime") - before < Duration::from_millis(900) {
            break [another, left];
        }
        let _ = alarm(100);
    };
    fact("another one", second[0]);
    fact("less than a second counts as one", second[1]);
    runs();
    on(SIGALRM, Action::DEFAULT);
    let status = child::run(|| {
        let _ = set_timer(ITIMER_REAL, once);
        let _ = pause();
    });
    fact("without a handler", status);
}
