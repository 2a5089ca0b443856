//! Each rule of the machine, broken by reports that a kernel could send.

use abi::thread::{CHILD, ENDED, RUNNABLE, SLEEPING};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::printable::Printable;

fn created(pid: u32, parent: u32) -> Event {
    let page_table = PhysAddr(0x1000 * u64::from(pid));
    Event::Created {
        pid,
        parent,
        page_table,
    }
}

fn switched(previous: u32, state: u64, next: u32) -> Event {
    let reason = if state == SLEEPING { CHILD } else { 0 };
    Event::Switched {
        next,
        previous,
        state,
        reason,
    }
}

fn exited(pid: u32) -> Event {
    Event::Exited { pid, status: 0 }
}

/// Init runs, and has made processes 2 and 3; 2 runs now, and has made 4.
fn family() -> Vec<Event> {
    vec![
        created(1, 0),
        switched(0, ENDED, 1),
        created(2, 1),
        created(3, 1),
        switched(1, RUNNABLE, 2),
        created(4, 2),
    ]
}

fn life_of(events: impl IntoIterator<Item = Event>) -> LifeRule {
    let mut life = LifeRule::default();
    events.into_iter().for_each(|event| life.note(&event));
    life
}

/// What the last of the events brings about: process and finding.
fn wrong(more: impl IntoIterator<Item = Event>) -> Vec<(u32, String)> {
    let life = life_of(family().into_iter().chain(more));
    let found = life.wrong.into_iter().map(|wrong| (wrong.process, wrong.found));
    found.collect()
}

fn breaks(more: impl IntoIterator<Item = Event>, process: u32, found: &str) {
    assert_eq!(wrong(more), [(process, found.to_owned())]);
}

#[test]
fn a_whole_life_breaks_nothing() {
    let adopted = Event::Adopted { pid: 4, parent: 1 };
    let life = life_of(family().into_iter().chain([
        switched(2, SLEEPING, 1),
        Event::Woken { thread: 2 },
        switched(1, RUNNABLE, 2),
        Event::ThreadCreated { thread: 5, pid: 2 },
        switched(2, RUNNABLE, 5),
        Event::ThreadExited { thread: 5, pid: 2 },
        switched(5, ENDED, 2),
        adopted,
        exited(2),
        switched(2, ENDED, 1),
        Event::Reaped { pid: 2 },
        created(2, 1),
    ]));
    assert_eq!(life.wrong, []);
}

#[test]
fn a_sleeper_is_not_chosen_before_it_is_woken() {
    let asleep = [switched(2, SLEEPING, 1), switched(1, RUNNABLE, 2)];
    breaks(asleep, 2, "asleep on child");
}

#[test]
fn one_that_could_run_is_not_woken() {
    breaks([Event::Woken { thread: 3 }], 3, "runnable");
}

#[test]
fn nobody_stops_who_does_not_run() {
    breaks([switched(3, RUNNABLE, 1)], 3, "thread 3 stops");
}

#[test]
fn a_thread_that_is_not_there_is_not_chosen() {
    breaks([switched(2, RUNNABLE, 9)], 9, "another one runs");
}

#[test]
fn an_orphan_is_adopted_before_its_parent_is_a_zombie() {
    breaks([exited(2)], 4, "left to it");
}

#[test]
fn an_orphan_goes_to_init_and_to_nobody_else() {
    breaks([Event::Adopted { pid: 4, parent: 3 }], 4, "adopted by process 3");
    let by_another = [switched(2, RUNNABLE, 3), Event::Adopted { pid: 4, parent: 1 }];
    breaks(by_another, 4, "adopted while another process runs");
}

#[test]
fn a_zombie_is_taken_once_and_by_its_parent() {
    let end_of_3 = [switched(2, RUNNABLE, 3), exited(3), switched(3, ENDED, 1)];
    let reaped = Event::Reaped { pid: 3 };
    let twice = end_of_3.iter().cloned().chain([reaped.clone(), reaped.clone()]);
    breaks(twice, 3, "no such process");
    let by_sibling = end_of_3
        .iter()
        .cloned()
        .chain([switched(1, RUNNABLE, 2), reaped.clone()]);
    breaks(by_sibling, 3, "taken while another process runs");
    breaks(
        [switched(2, RUNNABLE, 1), reaped],
        3,
        "a process that has not ended, taken by its parent",
    );
}

#[test]
fn a_process_of_which_nobody_wants_to_know_takes_itself_when_it_ends() {
    let reaped = Event::Reaped { pid: 3 };
    let unwanted = [
        switched(2, RUNNABLE, 3),
        exited(3),
        reaped.clone(),
        switched(3, ENDED, 1),
    ];
    assert_eq!(wrong(unwanted), []);
    breaks(
        [switched(2, RUNNABLE, 3), reaped],
        3,
        "a process that has not ended, taken by its parent",
    );
}

#[test]
fn only_who_runs_ends_makes_children_or_becomes_another_program() {
    breaks([exited(3)], 3, "the end of another one");
    breaks([created(5, 3)], 5, "made while another process runs");
    breaks([created(3, 2)], 3, "one that is taken");
    let executed = Event::Executed {
        pid: 3,
        page_table: PhysAddr(0),
    };
    breaks([executed], 3, "by another one");
    breaks(
        [Event::ThreadCreated { thread: 6, pid: 3 }],
        3,
        "made while another process runs",
    );
}

#[test]
fn an_end_is_told_before_it_is_seen() {
    breaks([switched(2, ENDED, 1)], 2, "one that was not");
    breaks([switched(2, 77, 1)], 2, "77");
}

#[test]
fn whoever_is_left_at_the_end_is_a_finding() {
    let life = life_of(family());
    let places: Vec<Printable> = life
        .left_over()
        .into_iter()
        .map(|finding| finding.place)
        .collect();
    assert_eq!(places, ["process 2", "process 3", "process 4"]);
}

#[test]
fn where_everyone_is_when_a_step_ends_is_remembered_and_nothing_in_between() {
    let mut life = life_of(family());
    life.note(&switched(2, SLEEPING, 3));
    life.step_ended();
    life.note(&Event::Woken { thread: 2 });
    life.note(&switched(3, SLEEPING, 2));
    life.note(&Event::Woken { thread: 3 });
    life.step_ended();
    let asleep = Place::Sleeping("CHILD");
    let slept = |index: usize| life.history.processes()[index].seen_in.contains(&asleep);
    assert!(slept(1) && !slept(2));
}

#[test]
fn a_kernel_that_never_reports_a_switch_is_not_judged() {
    let life = life_of([created(1, 0), created(2, 7), exited(9)]);
    assert!(!life.is_told && life.left_over().is_empty());
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..6_u32, 1 => any::<u32>()]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (number(), number()).prop_map(|(pid, parent)| created(pid, parent)),
        (number(), 0..5_u64, number()).prop_map(|(previous, state, next)| switched(previous, state, next)),
        number().prop_map(exited),
        number().prop_map(|pid| Event::Reaped { pid }),
        number().prop_map(|thread| Event::Woken { thread }),
        (number(), number()).prop_map(|(pid, parent)| Event::Adopted { pid, parent }),
        (number(), number()).prop_map(|(thread, pid)| Event::ThreadCreated { thread, pid }),
        (number(), number()).prop_map(|(thread, pid)| Event::ThreadExited { thread, pid }),
    ]
}

proptest! {
    #[test]
    fn no_reports_make_the_judge_panic_or_talk_without_end(events in vec(event(), 0..200)) {
        let life = life_of(events);
        prop_assert!(life.wrong.len() <= MAX_FINDINGS);
    }
}
