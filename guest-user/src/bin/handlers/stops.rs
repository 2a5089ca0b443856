//! Stopping and going on.

use core::sync::atomic::Ordering::SeqCst;
use core::time::Duration;

use abi::linux::process::{
    SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGTERM, SIGUSR1, WCONTINUED, WNOHANG, WUNTRACED,
};
use abi::linux::signal::{SA_NOCLDSTOP, SA_RESTART};
use guest_user::syscall::group::set_group;
use guest_user::syscall::handler::Action;
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::syscall::signal::{SignalSet, block, pause, pending, unblock};
use guest_user::syscall::time;
use guest_user::{Board, child, thread};

use crate::{CODE, fact, on, record, runs, runs_then, send_self};

const SOON: Duration = Duration::from_millis(20);
/// Stop, from the keyboard.
const SIGTSTP: u32 = 20;

pub(crate) fn facts() {
    told();
    held();
    undone();
    inside();
}

/// A child in a group of its own, of which its parent takes care.
fn start(body: impl FnOnce()) -> i32 {
    child::start(|| {
        set_group(0, 0).expect("setpgid");
        body();
    })
}

fn send(child: i32, signal: u32) {
    process::kill(child, signal.into()).expect("kill");
}

fn wait(child: i32, options: u64) -> WaitOutcome {
    WaitOutcome(process::wait(child, options))
}

fn told() {
    on(SIGCHLD, Action::run(record).with(SA_RESTART));
    let board = Board::new();
    let child = start(|| {
        send_self(SIGSTOP);
        // A stop that comes before its parent has asked would take the news away that it goes on.
        let _ = board.wait_for_any(0);
        send_self(SIGTSTP);
        process::exit(4);
    });
    fact("a child stops itself", wait(child, WUNTRACED));
    fact("its parent is sent SIGCHLD", runs_then());
    fact("with the code", CODE.load(SeqCst));
    fact("it is told once", wait(child, WUNTRACED | WNOHANG));
    fact("and only who asks", wait(child, WNOHANG));
    send(child, SIGCONT);
    fact("it goes on", wait(child, WCONTINUED));
    board.post(0, 1);
    fact("and stops again", wait(child, WUNTRACED));
    runs_then();
    send(child, SIGCONT);
    fact("wait4 for its end alone", wait(child, 0));

    on(SIGCHLD, Action::run(record).with(SA_RESTART | SA_NOCLDSTOP));
    runs();
    let child = start(|| send_self(SIGSTOP));
    fact("with SA_NOCLDSTOP", wait(child, WUNTRACED));
    fact("SIGCHLD was sent", runs());
    send(child, SIGCONT);
    fact("its end", wait(child, 0));
    on(SIGCHLD, Action::DEFAULT);
    runs();
}

fn held() {
    let child = start(|| {
        send_self(SIGSTOP);
        process::exit(4);
    });
    fact("a child that is sent SIGTERM", wait(child, WUNTRACED));
    send(child, SIGTERM);
    time::sleep(SOON);
    fact("does not end yet", wait(child, WNOHANG));
    send(child, SIGCONT);
    fact("but when it goes on", wait(child, 0));
    let child = start(|| send_self(SIGSTOP));
    fact("one that is sent SIGKILL", wait(child, WUNTRACED));
    send(child, SIGKILL);
    fact("ends", wait(child, 0));
    let child = start(|| {
        on(SIGCONT, Action::run(record));
        on(SIGUSR1, Action::run(record));
        send_self(SIGSTOP);
        process::exit(runs() as i32);
    });
    fact("one with handlers", wait(child, WUNTRACED));
    send(child, SIGUSR1);
    send(child, SIGCONT);
    fact("of which so many run", wait(child, 0));
}

fn undone() {
    let both = SignalSet::of(&[SIGTSTP, SIGCONT]);
    on(SIGTSTP, Action::run(record));
    send_self(SIGTSTP);
    fact("SIGTSTP with a handler", runs());
    on(SIGTSTP, Action::IGNORE);
    send_self(SIGTSTP);
    fact("ignored", runs());
    on(SIGTSTP, Action::DEFAULT);
    block(both).expect("rt_sigprocmask");
    send_self(SIGTSTP);
    fact("blocked, it waits", pending() == Ok(SignalSet::of(&[SIGTSTP])));
    on(SIGCONT, Action::run(record));
    send_self(SIGCONT);
    fact(
        "SIGCONT takes its place",
        pending() == Ok(SignalSet::of(&[SIGCONT])),
    );
    send_self(SIGTSTP);
    fact("and it SIGCONT's", pending() == Ok(SignalSet::of(&[SIGTSTP])));
    send_self(SIGCONT);
    unblock(both).expect("rt_sigprocmask");
    fact("the handler ran", runs());
    on(SIGCONT, Action::DEFAULT);
}

fn inside() {
    let board = Board::new();
    let child = start(|| {
        let other = thread::spawn(move || {
            board.post(0, 1);
            loop {
                board.post(1, board.read(1) + 1);
                process::sched_yield();
            }
        });
        other.expect("clone");
        let _ = pause();
    });
    let _ = board.wait_for_any(0);
    send(child, SIGSTOP);
    fact("a child with two threads", wait(child, WUNTRACED));
    let count = board.read(1);
    time::sleep(SOON);
    fact("none of them goes on", board.read(1) == count);
    send(child, SIGCONT);
    let before = board.read(1);
    while board.read(1) == before {
        process::sched_yield();
    }
    send(child, SIGKILL);
    fact("it went on", wait(child, 0));

    // On a busy machine a sleep can be over before the stop comes: then a longer one is tried.
    let mut length = 4 * SOON;
    let (stopped, ended) = loop {
        let child = start(|| {
            let before = time::now().expect("clock_gettime");
            let slept = time::nanosleep(length.into());
            let after = time::now().expect("clock_gettime");
            board.post(2, u64::from(slept.is_ok()));
            board.post(3, u64::from(after - before >= length));
        });
        time::sleep(SOON);
        send(child, SIGSTOP);
        let stopped = wait(child, WUNTRACED);
        if stopped
            .0
            .is_ok_and(|told| told.is_some_and(|told| told.status.is_stopped()))
        {
            time::sleep(SOON);
            send(child, SIGCONT);
            break (stopped, wait(child, 0));
        }
        length *= 2;
    };
    fact("a sleep during which it stops is whole", board.read(2) == 1);
    fact("takes its time", board.read(3) == 1);
    fact("it was", stopped);
    fact("then", ended);
}
