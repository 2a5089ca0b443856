//! The programs on this Linux. Their output here is the reference for the guest's.

use std::path::Path;
use std::time::Duration;

use abi::linux::process::{SIGFPE, SIGILL, SIGSEGV, WAIT_EXIT_SHIFT};
use vmm::linux_reference::{ProgramRun, ReferenceError, is_replayed, run_program};
use vmm::scenario::{Ending, Operation, OperationStep, Step, collect};

/// Longer than a busy machine can delay anything.
const TIMEOUT: Duration = Duration::from_secs(3600);
/// Enough for other schedules to show in an output that depends on them.
const REPETITIONS: usize = 10;

#[test]
fn the_facts_about_memory_are_these() {
    insta::assert_snapshot!(output_of_success("memory", &[]));
}

#[test]
fn private_memory_is_copied_on_write() {
    insta::assert_snapshot!(output_of_success("cow", &[]));
}

#[test]
fn parents_and_children_find_each_other() {
    insta::assert_snapshot!(output_of_success("fork-tree", &[]));
}

#[test]
fn waiting_has_these_outcomes() {
    insta::assert_snapshot!(output_of_success("wait-errors", &[]));
}

#[test]
fn a_program_finds_its_segments_as_its_file_has_them() {
    insta::assert_snapshot!(output_of_success("segments", &[]));
}

/// Where scheduling is free, so that an output that depends on it would show; a guest's is not.
#[test]
fn programs_of_scenarios_end_and_print_at_every_run_as_the_scenarios_expect() {
    let image = crate::image::shipped();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut programs = 0;
    for file in collect(&[folder]).unwrap() {
        let scenario = crate::shipped::read(&file, &image);
        for step in scenario.steps {
            let Step::Operation(step) = step else {
                continue;
            };
            if !is_replayed(&step) {
                continue;
            }
            let OperationStep { operation, .. } = step;
            let Operation::Exec {
                program,
                args,
                status,
                output: Some(output),
                ..
            } = operation
            else {
                continue;
            };
            let expected = ProgramRun {
                status: match status {
                    Ending::Exit(status) => u32::from(status) << WAIT_EXIT_SHIFT,
                    Ending::Signal(signal) => signal.number(),
                },
                stdout: output.into_bytes(),
            };
            for _ in 0..REPETITIONS {
                let run = run_program(&crate::image::program(&program), &args, TIMEOUT).unwrap();
                assert_eq!(run, expected, "{program} of {}", file.display());
            }
            programs += 1;
        }
    }
    assert!(programs > 0, "scenarios run programs");
}

#[test]
fn a_file_that_may_only_be_read_does_not_change_however_often_it_is_tried() {
    let run = run("dirtycow", &["2000", "2000"]);
    assert_eq!(run.status, 0);
    assert_eq!(
        String::from_utf8(run.stdout).unwrap(),
        "secret holds: The answer is 42.\nsecret holds: The answer is 42.\n"
    );
}

#[test]
fn a_program_gets_its_bare_name_and_its_arguments() {
    let output = output_of_success("hello", &["a", "b c", "\u{e9}"]);
    assert_eq!(
        output,
        "hello\nargv[0] = hello\nargv[1] = a\nargv[2] = b c\nargv[3] = \\xc3\\xa9\n"
    );
}

#[test]
fn the_low_eight_bits_of_an_exit_status_arrive() {
    for (argument, status) in [
        ("0", 0),
        ("7", 7),
        ("255", 255),
        ("256", 0),
        ("-1", 255),
        ("none", 2),
    ] {
        let run = run("exit-status", &[argument]);
        assert_eq!(run.status, status << WAIT_EXIT_SHIFT, "exit-status {argument}");
    }
}

#[test]
fn each_fault_has_its_signal() {
    let kinds = [
        ("null-read", SIGSEGV),
        ("null-write", SIGSEGV),
        ("text-write", SIGSEGV),
        ("exec-data", SIGSEGV),
        ("div-zero", SIGFPE),
        ("illegal", SIGILL),
        ("kernel-read", SIGSEGV),
        ("kernel-write", SIGSEGV),
        ("non-canonical", SIGSEGV),
        ("privileged", SIGSEGV),
        ("stack-overflow", SIGSEGV),
    ];
    let usage = run("fault", &[]);
    assert_eq!(usage.status, 1 << WAIT_EXIT_SHIFT);
    assert_eq!(
        String::from_utf8(usage.stdout).unwrap().lines().count(),
        1 + kinds.len()
    );
    for (kind, signal) in kinds {
        let expected = ProgramRun {
            status: signal,
            stdout: format!("fault: {kind}\n").into_bytes(),
        };
        assert_eq!(run("fault", &[kind]), expected, "{kind}");
    }
}

#[test]
fn a_program_that_does_not_end_in_time_is_an_error() {
    let refused = run_program(Path::new("/bin/sleep"), &["60"], Duration::from_millis(50));
    assert!(
        matches!(refused, Err(ReferenceError::ProgramTimedOut { .. })),
        "{refused:?}"
    );
}

/// Output of a program that exits with 0, the same at every run.
fn output_of_success(name: &str, arguments: &[&str]) -> String {
    let first = run(name, arguments);
    assert_eq!(first.status, 0, "{name}");
    for _ in 1..REPETITIONS {
        assert_eq!(run(name, arguments), first, "{name}");
    }
    String::from_utf8(first.stdout).unwrap()
}

fn run(name: &str, arguments: &[&str]) -> ProgramRun {
    run_program(&crate::image::program(name), arguments, TIMEOUT).unwrap()
}
