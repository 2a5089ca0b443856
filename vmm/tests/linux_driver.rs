//! Driving agents on this Linux in the terms in which a guest is driven.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use abi::linux::process::{SIGSEGV, WAIT_EXIT_SHIFT};
use abi::operation::{EXEC, EXIT, SCHED_YIELD, WAIT, WRITE};
use vmm::channel::{Channel, Operation, Reply};
use vmm::drive::{Drive, Life, Outcome};
use vmm::linux_reference::{LinuxDriver, MAX_LIVING_AGENTS};

const ANY_CHILD: u64 = u64::MAX;
/// Enough for a race between a parent and this side to show.
const REPETITIONS: u32 = 20;

#[test]
fn a_waiting_parent_is_silent_until_its_child_ends_and_both_tell_the_status() {
    for status in 0..REPETITIONS {
        let mut driver = driver();
        let child = fork(&mut driver, Channel::FIRST, "child");
        let wait = Operation::new(WAIT, &[ANY_CHILD, 0]);
        assert_eq!(driver.perform(Channel::FIRST, wait).unwrap(), Outcome::Silent);

        let wait_status = status << WAIT_EXIT_SHIFT;
        let exit = Operation::new(EXIT, &[status.into()]);
        assert_eq!(driver.perform(child, exit).unwrap(), Outcome::Ended(wait_status));
        let pid = driver.agents().get(child).unwrap().pid.unwrap();
        assert_eq!(
            driver.finish(Channel::FIRST).unwrap(),
            Outcome::Replied(Reply {
                result: pid.into(),
                value: wait_status.into(),
                data: Vec::new()
            })
        );
    }
}

#[test]
fn a_wait_that_was_silent_stays_so_while_nobody_ends() {
    let mut driver = driver();
    fork(&mut driver, Channel::FIRST, "child");
    let wait = Operation::new(WAIT, &[ANY_CHILD, 0]);
    assert_eq!(driver.perform(Channel::FIRST, wait).unwrap(), Outcome::Silent);
    assert_eq!(driver.finish(Channel::FIRST).unwrap(), Outcome::Silent);
}

#[test]
fn a_fault_ends_the_process_with_its_signal_before_anybody_waits_for_it() {
    let mut driver = driver();
    let child = fork(&mut driver, Channel::FIRST, "child");
    let write_to_null = Operation::new(WRITE, &[0, 1]).with_payload(b"x".to_vec());
    assert_eq!(
        driver.perform(child, write_to_null.clone()).unwrap(),
        Outcome::Ended(SIGSEGV)
    );
    assert_eq!(driver.agents().get(child).unwrap().life, Life::Ended(SIGSEGV));
    assert_eq!(
        driver.perform(child, write_to_null).unwrap(),
        Outcome::Ended(SIGSEGV)
    );
}

#[test]
fn a_fork_bomb_ends_at_the_driver_and_goes_on_when_somebody_has_ended() {
    let mut driver = driver();
    let children: Vec<Channel> = std::iter::from_fn(|| {
        let (child, outcome) = driver.fork(Channel::FIRST, "fragment").unwrap()?;
        assert!(matches!(outcome, Outcome::Replied(_)), "{outcome:?}");
        Some(child)
    })
    .collect();
    assert_eq!(children.len() + 1, MAX_LIVING_AGENTS);
    driver.perform(children[7], Operation::new(EXIT, &[0])).unwrap();
    let next = fork(&mut driver, children[3], "late");
    let reply = driver.perform(next, Operation::new(SCHED_YIELD, &[])).unwrap();
    assert_eq!(reply, Outcome::Replied(Reply::default()));
}

#[test]
fn a_program_is_no_silence_and_its_output_is_taken_once() {
    let mut driver = driver();
    let exec = || Operation::new(EXEC, &[6, 1]).with_payload(b"hello\0".to_vec());
    for _ in 0..2 {
        let outcome = driver.perform(Channel::FIRST, exec()).unwrap();
        assert!(
            matches!(&outcome, Outcome::Replied(reply) if reply.value == 0),
            "{outcome:?}"
        );
        assert_eq!(driver.take_output().unwrap(), b"hello\nargv[0] = hello\n");
    }
    assert!(driver.take_output().unwrap().is_empty());
}

fn driver() -> LinuxDriver {
    LinuxDriver::spawn(&support::program("agent")).unwrap()
}

fn fork(driver: &mut LinuxDriver, parent: Channel, name: &str) -> Channel {
    let (child, outcome) = driver.fork(parent, name).unwrap().expect("room for a child");
    assert!(matches!(outcome, Outcome::Replied(_)), "{outcome:?}");
    assert_eq!(driver.meet(child).unwrap(), Outcome::Replied(Reply::default()));
    child
}
