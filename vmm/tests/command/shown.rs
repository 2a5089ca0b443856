//! What of a run is shown, and to whom: states, the log of the kernel, colours.

use crate::{PASS, SHIPPED, command, on_terminal, vmm};

#[test]
fn states_are_drawn_when_they_are_asked_for_and_nobody_is_left_out() {
    let run = vmm(&["run", "--image", &SHIPPED, "--states", "scenarios/orphans.json"]);
    let diagram = &run.stdout[run.stdout.find("stateDiagram-v2\n").unwrap()..];
    insta::assert_snapshot!("states_of_orphans", diagram);
    let count = |text: &str| diagram.matches(text).count();
    assert_eq!(
        (count("{"), count("[*] -->")),
        (5, 5),
        "init, and four processes of the scenario"
    );
    assert_eq!(count("{"), count("}"));
    let run = vmm(&["run", "--image", &SHIPPED, "scenarios/orphans.json"]);
    assert!(!run.stdout.contains("stateDiagram"), "{}", run.stdout);
}

#[test]
fn states_with_a_real_clock_are_the_same_in_every_run_and_say_what_is_not_drawn() {
    let run = || {
        vmm(&[
            "run",
            "--image",
            &SHIPPED,
            "--states",
            "scenarios/sse-preempted.json",
        ])
        .stdout
    };
    let first = run();
    assert!(first.contains("%% The clock is real"), "{first}");
    assert_eq!(run(), first);
}

#[test]
fn the_kernels_log_says_what_the_disk_did_when_it_is_asked_for() {
    let run = vmm(&[
        "run",
        "--image",
        &SHIPPED,
        "--log",
        "scenarios/swap-read-error.json",
    ]);
    let told = run.stdout.lines().filter(|line| line.starts_with("  kernel: "));
    let told: Vec<&str> = told.collect();
    assert!(
        told.iter().any(|line| line.contains("disk: cannot read page")),
        "{told:?}"
    );
    assert!(told.iter().any(|line| line.contains(": its page")), "{told:?}");
}

#[test]
fn a_terminal_gets_colours_unless_the_user_refuses_them() {
    let refused = on_terminal(|command| command.env("NO_COLOR", "1"));
    assert!(
        refused.contains("PASS cow") && !refused.contains('\x1b'),
        "{refused:?}"
    );
    let welcome = on_terminal(|command| command.env_remove("NO_COLOR"));
    assert!(welcome.contains("\x1b[32mPASS\x1b[0m cow"), "{welcome:?}");
}

#[test]
fn a_reader_that_goes_away_changes_no_verdict() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command(&["--image", &SHIPPED, "scenarios/cow.json"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(PASS));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
