//! `vmm look`: at a run that has ended, by command and at a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;

use nix::pty::openpty;

use crate::{FAIL, MUTANT, MUTANTS, PASS, Run, SHIPPED, UNUSABLE, command, vmm};

/// Where the child of `cow.json` has written to a page that it had in common with its parent.
const WRITTEN: &str = "12";

/// What is answered to commands at a step of `cow.json`.
fn look(step: &str, commands: &[&str]) -> Run {
    let asked = commands.iter().flat_map(|command| ["-c", command]);
    let arguments = ["look", "--image", &SHIPPED, "--step", step, "scenarios/cow.json"];
    vmm(&arguments.into_iter().chain(asked).collect::<Vec<_>>())
}

fn told(step: &str, asked: &str) -> String {
    let run = look(step, &[asked]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""), "{asked}");
    run.stdout
}

#[test]
fn a_copy_on_write_is_seen_in_what_differs_and_in_who_owns_the_frames() {
    let differs = told(WRITTEN, "diff 11 12");
    let [line] = differs.lines().collect::<Vec<_>>()[..] else {
        panic!("{differs}");
    };
    assert!(
        line.starts_with("child:buf+0p: frame 0x") && line.ends_with("rights user r-- -> user rw-, contents"),
        "{line}"
    );
    let owners = |step, page| {
        let told = told(step, &format!("owners child:buf+{page}p"));
        let mut lines = told
            .lines()
            .map(|line| line.trim().split(' ').next().unwrap_or_default().to_owned());
        assert_eq!(lines.next().as_deref(), Some("frame"), "{told}");
        lines.collect::<Vec<_>>()
    };
    assert_eq!(owners("11", 0), ["parent:buf+0p", "child:buf+0p"]);
    assert_eq!(owners(WRITTEN, 0), ["child:buf+0p"]);
    assert_eq!(owners(WRITTEN, 1), ["parent:buf+1p", "child:buf+1p"]);
}

#[test]
fn a_walk_and_a_frame_and_bytes_agree_on_where_a_page_is() {
    let frame = told(WRITTEN, "frame child:buf+0p");
    let frame = frame.trim_end().strip_suffix(", user rw-").unwrap();
    let (place, frame) = frame.split_once(": frame ").unwrap();
    let address = place.strip_prefix("child:buf+0p at ").unwrap();
    let walk = told(WRITTEN, "walk child:buf");
    let lines: Vec<&str> = walk.lines().collect();
    let levels: Vec<&str> = lines
        .iter()
        .map(|line| line.split('[').next().unwrap_or_default())
        .collect();
    assert_eq!(levels[..4], ["PML4", "PDPT", "PD", "PT"]);
    assert_eq!(
        lines[4],
        format!("{address} is at {frame}, in a page of 4 KiB that allows user rw-")
    );
    assert_eq!(told(WRITTEN, &format!("walk {address} child")), walk);
    let mapped = told(WRITTEN, "frame child:buf");
    assert_eq!(mapped.lines().count(), 4, "{mapped}");
    assert!(mapped.starts_with(&format!("child:buf+0p at {address}: frame {frame}, user rw-\n")));
    let bytes = told(WRITTEN, "memory child:buf 16");
    assert!(
        bytes.starts_with(&format!("{address}:")) && bytes.contains("HELLO"),
        "{bytes}"
    );
    assert!(told("11", "memory child:buf 16").contains("hello"));
    // The page's own frame, by its address.
    assert!(told(WRITTEN, &format!("owners {frame}")).contains("child:buf+0p"));
    let maps = told(WRITTEN, "maps child");
    assert!(maps.starts_with("child:\n") && maps.contains("  buf\n"), "{maps}");
    let table = lines[3].split(" at ").nth(1).unwrap().split(':').next().unwrap();
    let owners = told(WRITTEN, &format!("owners {table}"));
    assert!(owners.contains("  PT of child, for addresses from "), "{owners}");
}

#[test]
fn one_goes_from_step_to_step_and_back() {
    let run = look("0", &["steps", "next", "7", "back", "next", "registers"]);
    assert_eq!(run.status, PASS, "{}", run.stderr);
    let (steps, moved) = run.stdout.split_once("\n    1  ok").unwrap();
    assert!(steps.starts_with(">      ok    boot, and make parent"), "{steps}");
    // Where one has gone to, without what the steps expect.
    let steps = moved
        .lines()
        .filter(|line| line.split_whitespace().nth(1) == Some("ok"));
    let numbers: Vec<&str> = steps
        .map(|line| line.split_whitespace().next().unwrap_or_default())
        .collect();
    assert!(numbers.ends_with(&["1", "7", "6", "7"]), "{numbers:?}");
    assert!(run.stdout.contains("\ncr3      0x"), "{}", run.stdout);
}

#[test]
fn what_the_kernel_did_in_a_step_is_a_run_of_its_own() {
    let trace = told(WRITTEN, "trace --depth 2");
    assert!(
        trace.starts_with("12. child: write \"HELLO\" at buf+0p\n"),
        "{trace}"
    );
    assert!(trace.contains("handle_trap"), "{trace}");
}

#[test]
fn without_a_step_it_begins_where_something_is_wrong_first() {
    let arguments = [
        "look",
        "--image",
        &MUTANTS,
        "--option",
        MUTANT,
        "scenarios/cow.json",
        "-c",
        "show",
    ];
    let run = vmm(&arguments);
    assert_eq!(run.status, PASS, "{}", run.stderr);
    assert!(
        run.stdout.contains("  FAIL  ") && run.stdout.contains("  expected  "),
        "{}",
        run.stdout
    );
    // The same step is the first that the report says something of.
    let report = vmm(&["--image", &MUTANTS, "--option", MUTANT, "scenarios/cow.json"]);
    assert_eq!(report.status, FAIL);
    let first = report
        .stdout
        .lines()
        .find(|line| line.contains("  FAIL  "))
        .unwrap();
    assert_eq!(run.stdout.lines().next(), Some(first));
}

#[test]
fn commands_come_from_a_pipe_and_what_is_no_command_is_told_of() {
    let mut child = command(&["look", "--image", &SHIPPED, "--step", "3", "scenarios/cow.json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = b"# the buffer\nframe parent:buf+0p\njump\nframe child:buf\nframe parent:buf+18446744073709551615p\n\nowners 0xfffffffff000\nregisters\nquit\nsteps\n";
    child.stdin.take().unwrap().write_all(asked).unwrap();
    let output = child.wait_with_output().unwrap();
    let [told, errors] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(output.status.code(), Some(UNUSABLE));
    for expected in [
        "error: jump: unrecognized subcommand 'jump'",
        "error: frame child:buf: there is no process `child`; there is: ",
        "buf+18446744073709551615p: its pages are numbered from 0, and there are 4",
        "error: owners 0xfffffffff000: 0xfffffffff000 is outside guest memory, which ends at 0x",
    ] {
        assert!(errors.contains(expected), "{errors}");
    }
    assert!(
        told.contains("cr0      0x") && !told.contains("power off"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_looked_at_is_refused() {
    let no_step = look("99", &["show"]);
    assert_eq!(no_step.status, UNUSABLE);
    assert!(
        no_step
            .stderr
            .contains("there is no step 99 to look at; there are steps 0 to 22"),
        "{}",
        no_step.stderr
    );
    let explores = vmm(&[
        "look",
        "--image",
        &SHIPPED,
        "scenarios/dirtycow-vulnerable.json",
        "-c",
        "show",
    ]);
    assert_eq!(explores.status, UNUSABLE);
    assert!(explores.stderr.contains("--replay"), "{}", explores.stderr);
}

#[test]
fn at_a_terminal_there_is_a_prompt_that_completes_names() {
    let terminal = openpty(None, None).unwrap();
    let state = tempfile::tempdir().unwrap();
    let stdio = || Stdio::from(terminal.slave.try_clone().unwrap());
    let mut asked = command(&[
        "look",
        "--image",
        &SHIPPED,
        "--step",
        WRITTEN,
        "scenarios/cow.json",
    ]);
    let child = asked
        .env("XDG_STATE_HOME", state.path())
        .env("TERM", "xterm")
        .stdin(stdio())
        .stdout(stdio())
        .stderr(stdio())
        .spawn();
    let mut child = child.unwrap();
    drop(asked);
    drop(terminal.slave);
    let mut screen = Screen {
        terminal: File::from(terminal.master),
        printed: String::new(),
    };
    // The Tab key completes both words.
    screen.until("step 12> ");
    screen.enter(b"fram\tchild:b\t+0p\r");
    screen.until("user rw-");
    screen.until("step 12> ");
    screen.enter(b"quit\r");
    let _ = screen.terminal.read_to_end(&mut Vec::new());
    assert!(child.wait().unwrap().success());
    let history = std::fs::read_to_string(state.path().join("ringside/look-history")).unwrap();
    assert!(history.contains("frame child:buf+0p"), "{history}");
}

/// What a terminal shows, as far as it was not asked for yet.
struct Screen {
    terminal: File,
    printed: String,
}

impl Screen {
    fn enter(&mut self, keys: &[u8]) {
        self.terminal.write_all(keys).unwrap();
    }

    /// Waits until this has been printed.
    fn until(&mut self, expected: &str) {
        let mut bytes = [0; 4096];
        loop {
            if let Some((_, rest)) = self.printed.split_once(expected) {
                self.printed = rest.to_owned();
                return;
            }
            assert!(!self.printed.contains("Usage:"), "{}", self.printed);
            let count = self.terminal.read(&mut bytes).unwrap_or(0);
            assert_ne!(
                count, 0,
                "expected {expected}, and this was printed: {}",
                self.printed
            );
            self.printed.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }
}
