//! The kernel is followed function by function: what is told is the same in each run, changes nothing of the run, and is what happened.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

#[path = "support/guest.rs"]
mod guest;

use std::collections::BTreeMap;
use std::fs;
use std::slice;

use vmm::guest::{Guest, Inlining, Record, Stretch, ringside};
use vmm::image::ImageKind;
use vmm::report::{Format, Line, Report, Verdict, written};
use vmm::scenario::Scenario;
use vmm::trace::profile::Profile;
use vmm::trace::{Change, Trace, WayIn, What, perfetto};

/// The step of `null-store` in which the process stores.
const STORE: usize = 2;

fn scenario(name: &str) -> Scenario {
    let file = format!("{}/../scenarios/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&file).unwrap();
    let image = guest::image(ImageKind::Shipped);
    Scenario::parse(&file, &text, &image.programs).expect("the scenario is sound")
}

/// Runs a scenario with the kernel followed.
fn follow(name: &str, stretch: Stretch) -> Report {
    follow_with(name, stretch, Inlining::Untold)
}

fn follow_with(name: &str, stretch: Stretch, inlining: Inlining) -> Report {
    let image = guest::image(ImageKind::Shipped);
    let kvm = vmm::vm::open().expect("KVM can be used");
    let guest = Guest::new(ringside::description(), image, &[])
        .unwrap()
        .recording(Record {
            claims: true,
            inlining,
            ..Record::kernel(stretch)
        });
    vmm::run::run(&kvm, &guest, &scenario(name)).expect("the host can run a guest")
}

fn trace_of(report: &Report, step: usize) -> &Trace {
    let mut lines = report.lines.iter().filter(|line| line.step == Some(step));
    lines.next().unwrap().trace.as_ref().unwrap()
}

/// Names of the functions that are called, in order.
fn calls(trace: &Trace) -> Vec<String> {
    let called = trace.events.iter().filter_map(|event| match event.what {
        What::Call(function) => Some(trace.function(function).to_string()),
        _ => None,
    });
    called.collect()
}

#[test]
fn a_trace_is_the_same_in_each_run_and_a_run_is_the_same_without_it() {
    let [one, other] = [(); 2].map(|()| follow("cow", Stretch::Steps));
    assert_eq!(one.lines, other.lines);
    let untraced = one.lines.into_iter().map(|line| Line { trace: None, ..line });
    let plain = guest::run(guest::image(ImageKind::Shipped), &scenario("cow"), &[]);
    assert_eq!(untraced.collect::<Vec<_>>(), plain.lines);
    assert_eq!(plain.verdict, Verdict::Pass);
}

#[test]
fn functions_in_others_are_told_of_beside_those_that_are_called() {
    let step = 2;
    let told = follow_with("calls/first-touch", Stretch::Step(step), Inlining::Told);
    let told = trace_of(&told, step);
    let untold = follow("calls/first-touch", Stretch::Step(step));
    let untold = trace_of(&untold, step);
    // A function that maps memory, by its source; the compiler puts it where it is called.
    let map = "guest_kernel::syscall::memory::mmap";
    let mut under_way = Vec::new();
    let mut inlined_in_map = 0;
    let mut called = Vec::new();
    for event in &told.events {
        match event.what {
            What::Inline(function) => {
                inlined_in_map += usize::from(under_way.contains(&Some(map.to_owned())));
                assert!(!under_way.is_empty(), "it is in another one");
                assert!(!told.function(function).is_empty());
                under_way.push(None);
            }
            What::Call(function) | What::Resume(function) => {
                under_way.push(Some(told.function(function).to_owned()));
                called.push((event.at, told.function(function).to_owned()));
            }
            What::Return => {
                if let Some(Some(name)) = under_way.pop() {
                    called.push((event.at, name));
                }
            }
            _ => {}
        }
    }
    assert!(inlined_in_map > 10, "{inlined_in_map}");
    let mapping = told
        .functions
        .iter()
        .position(|name| name.as_str() == map)
        .unwrap();
    let place = told.place(u32::try_from(mapping).unwrap());
    assert!(place.contains("guest-kernel/src/syscall/memory.rs"), "{place}");
    assert!(untold.places.is_empty(), "nobody wants to know of them");
    let mut under_way = Vec::new();
    let mut expected = Vec::new();
    for event in &untold.events {
        match event.what {
            What::Call(function) | What::Resume(function) => {
                under_way.push(untold.function(function).to_owned());
                expected.push((event.at, untold.function(function).to_owned()));
            }
            What::Return => expected.extend(under_way.pop().map(|name| (event.at, name))),
            What::Inline(_) => panic!("nobody wants to know of it"),
            _ => {}
        }
    }
    assert_eq!(
        called, expected,
        "with them and without, the same functions are called"
    );
}

#[test]
fn a_store_to_a_shared_page_is_a_fault_a_copy_and_a_new_entry() {
    let report = follow("cow", Stretch::Step(12));
    let traced = report.lines.iter().filter(|line| line.trace.is_some());
    assert_eq!(traced.count(), 1, "no other step is followed");
    let trace = trace_of(&report, 12);
    let fault = trace.events.iter().position(|event| {
        matches!(event.what, What::Enter(WayIn::PageFault { error_code, .. }) if error_code & 0b11 == 0b11)
    });
    let after = &trace.events[fault.expect("a store that is not allowed")..];
    let changes: Vec<String> = after
        .iter()
        .filter_map(|event| match event.what {
            What::Change(number) => trace.change(number).map(ToString::to_string),
            _ => None,
        })
        .collect();
    let [written, entry] = &changes[..] else {
        panic!("a copy and an entry, not {changes:?}");
    };
    assert!(written.contains("(child:buf+0p) is written"), "{written}");
    assert!(
        entry.starts_with("entry of child:buf+0p at level 1: frame A r-- -> frame "),
        "{entry}"
    );
    assert!(entry.ends_with(" rw-"), "{entry}");
    assert_eq!(after.last().map(|event| event.what), Some(What::Leave));
}

#[test]
fn a_step_that_asks_for_it_is_recorded_and_no_other() {
    let image = guest::image(ImageKind::Shipped);
    let report = guest::run(image, &scenario("calls/copy-on-write"), &[]);
    let recorded = report
        .lines
        .iter()
        .filter_map(|line| Some((line.step, line.trace.as_ref()?)));
    let [(step, trace)] = &recorded.collect::<Vec<_>>()[..] else {
        panic!("one step asks for it: {report:#?}");
    };
    assert_eq!((*step, trace.name.as_deref()), (Some(5), Some("copy")));
    assert!(calls(trace).iter().any(|name| name.contains("handle_fault")));
}

#[test]
fn a_store_through_a_null_pointer_ends_with_the_last_switch_away() {
    let report = follow("null-store", Stretch::Step(STORE));
    assert_eq!(report.verdict, Verdict::Pass);
    let trace = trace_of(&report, STORE);
    let store = What::Enter(WayIn::PageFault {
        address: 0,
        error_code: 0b110,
    });
    let store = trace
        .events
        .iter()
        .position(|event| event.what == store)
        .expect("the store");
    let child = (0..).find(|number| trace.thread(*number) == "child").unwrap();
    let from_then_on = &trace.events[store..];
    let switches: Vec<u32> = from_then_on
        .iter()
        .filter_map(|event| match event.what {
            What::Stack(number) => Some(number),
            _ => None,
        })
        .collect();
    assert!(
        !switches.is_empty() && !switches.contains(&child),
        "it runs again: {switches:?}"
    );
    let names = calls(trace);
    let mut rest = names.iter();
    for expected in [
        "handle_trap",
        "handle_fault",
        "process::exit::",
        "release_pages",
        "context::switch",
    ] {
        assert!(
            rest.any(|name| name.contains(expected)),
            "{expected} is not where it is expected in {names:#?}"
        );
    }
    // Every page of the process's is given up, and no entry comes to be.
    let of_child = trace.changes.iter().filter_map(|change| match change {
        Change::Entry { of, level: 1, is, .. } if *of == *"child" => Some(is.to_string()),
        _ => None,
    });
    let (given_up, others): (Vec<_>, Vec<_>) = of_child.partition(|is| is == "empty");
    assert!(given_up.len() > 5 && others.len() <= 1, "{given_up:?} {others:?}");
}

#[test]
fn functions_end_and_instructions_add_up() {
    let report = follow("cow", Stretch::Boot);
    let traces: Vec<&Trace> = report
        .lines
        .iter()
        .filter_map(|line| line.trace.as_ref())
        .collect();
    let mut profile = Profile::default();
    traces.iter().for_each(|trace| profile.add(trace));
    let total: u64 = traces.iter().map(|trace| trace.instructions).sum();
    assert_eq!(profile.instructions(), total);
    let own: u64 = profile.functions().iter().map(|function| function.own).sum();
    assert_eq!(own, total);
    let main = profile
        .functions()
        .into_iter()
        .find(|function| function.name.ends_with("boot::start"));
    assert!(main.is_some_and(|main| main.total > 5000), "booting is seen, too");
    for trace in traces {
        let times = trace.events.windows(2);
        assert!(
            times.into_iter().all(|pair| pair[0].at <= pair[1].at),
            "time goes on"
        );
        assert!(!trace.is_cut);
    }
}

#[test]
fn viewers_get_what_they_read() {
    let report = follow("cow", Stretch::Steps);
    let traces = report
        .lines
        .iter()
        .filter_map(|line| Some((line.what.to_string(), line.trace.as_ref()?)));
    let document = perfetto::document(traces);
    let mut open: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let mut names = Vec::new();
    for event in document["traceEvents"].as_array().unwrap() {
        let track = event["tid"].as_u64().unwrap();
        match event["ph"].as_str().unwrap() {
            "M" => names.push(event["args"]["name"].as_str().unwrap()),
            "B" => {
                assert!(!event["name"].as_str().unwrap().is_empty());
                open.entry(track).or_default().push(event["ts"].as_u64().unwrap());
            }
            "E" => {
                let began = open.entry(track).or_default().pop().expect("what ends has begun");
                assert!(began <= event["ts"].as_u64().unwrap());
            }
            "X" => assert!(event["dur"].as_u64().unwrap() > 0),
            "i" => assert_eq!(event["s"], "t"),
            other => panic!("a phase that no viewer knows: {other}"),
        }
    }
    assert!(open.values().all(Vec::is_empty), "what has begun ends");
    assert_eq!(names, ["steps", "init", "parent", "child"]);
}

#[test]
fn a_page_has_what_the_kernel_did_beside_its_step() {
    let report = follow("null-store", Stretch::Step(STORE));
    let page = written(Format::Html, slice::from_ref(&report)).unwrap();
    assert_eq!(page.matches("<details class=\"trace\">").count(), 1);
    let functions = calls(trace_of(&report, STORE));
    let (_, tree) = page.split_once("<details class=\"trace\">").unwrap();
    let shown = tree.matches("<span class=\"count\">").count();
    assert!(shown >= functions.len(), "{shown} of {} calls", functions.len());
    assert!(tree.contains("<h4>For child</h4>"), "{tree}");
}
