//! gdb itself, in batch mode.

use std::io::{self, Read};
use std::process::Command;

use crate::run::{Run, kernel, vmm};

const HANDLE_TRAP: &str = "guest_kernel::arch::x86_64::trap::handle_trap";
const HANDLE_FAULT: &str = "guest_kernel::mm::address_space::AddressSpace::handle_fault";

/// Has gdb do this to a run, and gives what it says, each command before its answer.
fn gdb(run: &Run, commands: &[&str]) -> String {
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-q", "-batch", "-ex", "set pagination off"]);
    gdb.args(["-ex", &format!("target remote {}", run.place)]);
    for command in commands {
        gdb.args(["-ex", &format!("echo (gdb) {command}\\n"), "-ex", command]);
    }
    // One pipe for both, so that what it says is in order.
    let (mut reader, writer) = io::pipe().unwrap();
    gdb.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut gdb_runs = gdb.arg(kernel()).env("LC_ALL", "C").spawn().unwrap();
    drop(gdb);
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    gdb_runs.wait().unwrap();
    said
}

fn is_installed() -> bool {
    let installed = Command::new("gdb").arg("--version").output().is_ok();
    if !installed {
        eprintln!("not run with gdb, which is not installed here (Debian: gdb)");
    }
    installed
}

/// What gdb says to the command that is the `nth` of this kind.
fn answer<'a>(said: &'a str, command: &str, nth: usize) -> &'a str {
    let mut answers = said.split("(gdb) ").filter_map(|part| part.split_once('\n'));
    let mut answers = answers.by_ref().filter(|(asked, _)| *asked == command);
    let found = answers.nth(nth);
    found.unwrap_or_else(|| panic!("no {command} in {said}")).1
}

#[test]
fn it_stops_in_the_page_fault_of_a_copy_and_the_verdict_is_that_of_any_run() {
    if !is_installed() {
        return;
    }
    let run = Run::of("cow", "0");
    let break_at_trap = format!("break {HANDLE_TRAP} if (*frame).vector == 14 && (*frame).error_code == 7");
    let break_at_fault = format!("break {HANDLE_FAULT}");
    let said = gdb(
        &run,
        &[
            "info registers rip cs",
            // The child writes to a page that it shares.
            "monitor step 12",
            "continue",
            "monitor frames child:buf",
            &break_at_trap,
            "continue",
            "print *frame",
            "delete",
            &break_at_fault,
            "continue",
            "backtrace",
            "stepi",
            "eval \"monitor walk %#lx\", $pc",
            "monitor registers",
            "x/1xb 0x10",
            "delete",
            "monitor step 14",
            "continue",
            "monitor diff",
            "info registers cs",
            "stepi",
            "info registers cs",
            "monitor jump",
            "continue",
        ],
    );
    let ended = run.end();
    let said_to = |command, nth| answer(&said, command, nth);
    assert!(
        said_to("info registers rip cs", 0).starts_with("rip            0x20"),
        "{said}"
    );
    let stop = said_to("continue", 0);
    assert!(
        stop.contains("step 12 is about to be performed: child: write \"HELLO\" at buf+0p\n"),
        "{said}"
    );
    let frames = said_to("monitor frames child:buf", 0);
    assert_eq!(frames.lines().count(), 4, "{said}");
    assert!(frames.lines().all(|line| line.ends_with(", user r--")), "{said}");

    assert!(
        said_to("continue", 1).contains("trap::handle_trap (frame="),
        "{said}"
    );
    let frame = said_to("print *frame", 0);
    for field in ["vector: 14", "error_code: 7", "cs: 51"] {
        assert!(frame.contains(field), "{field}: {said}");
    }
    let stack = said_to("backtrace", 0);
    for called in ["AddressSpace::handle_fault (self=", "trap::handle_trap (frame="] {
        let line = stack.lines().find(|line| line.contains(called));
        let line = line.unwrap_or_else(|| panic!("no {called} in {said}"));
        assert!(line.contains(" at guest-kernel/src/"), "{line}");
    }
    assert!(
        stack.contains(" at guest-kernel/src/mm/address_space/fault.rs:"),
        "{said}"
    );
    let walk = said_to("eval \"monitor walk %#lx\", $pc", 0);
    assert!(
        walk.starts_with("PML4[511] at 0x") && walk.ends_with(" kernel r-x\n"),
        "{said}"
    );
    assert_eq!(walk.lines().count(), 5, "{said}");
    assert_eq!(
        said_to("x/1xb 0x10", 0),
        "0x10:\tCannot access memory at address 0x10\n"
    );

    let registers = said_to("monitor registers", 0);
    assert!(
        registers.lines().any(|line| line.starts_with("cr3      0x")),
        "{said}"
    );

    // The child's first page has a frame of its own, and nothing else has changed but what it wrote.
    let diff = said_to("monitor diff", 0);
    assert!(diff.starts_with("child:buf+0p: frame 0x"), "{said}");
    assert!(
        diff.ends_with(", rights user r-- -> user rw-, contents\n"),
        "{said}"
    );
    assert_eq!(diff.lines().count(), 1, "{said}");
    assert!(said_to("info registers cs", 0).ends_with("51\n"), "{said}");
    assert!(
        said_to("stepi", 1)
            .starts_with("user mode is not stepped: the program has run to where the kernel begins\n"),
        "{said}"
    );
    assert!(said_to("info registers cs", 1).ends_with("16\n"), "{said}");
    assert!(said_to("monitor jump", 0).starts_with("there is no `monitor jump`; there is:\nmonitor step N "));
    assert!(said_to("continue", 4).contains("exited normally"), "{said}");

    let plain = vmm(&["scenarios/cow.json"]).output().unwrap();
    assert_eq!(
        ended.stdout,
        String::from_utf8_lossy(&plain.stdout),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.status, Some(0));
}

#[test]
fn a_fifth_breakpoint_is_refused_and_what_was_there_goes_on() {
    if !is_installed() {
        return;
    }
    let run = Run::of("cow", "0");
    let places = [
        HANDLE_FAULT,
        HANDLE_TRAP,
        "*0xffffffff80200000",
        "*0xffffffff80200100",
        "*0xffffffff80200200",
    ];
    let breaks = places.map(|place| format!("hbreak {place}"));
    let mut commands: Vec<&str> = breaks.iter().map(String::as_str).collect();
    commands.extend(["continue", "delete 5", "continue", "info registers rip", "kill"]);
    let said = gdb(&run, &commands);
    let ended = run.end();
    assert!(
        answer(&said, "continue", 0).contains("Cannot insert hardware breakpoint"),
        "{said}"
    );
    assert!(answer(&said, "continue", 1).contains("Breakpoint "), "{said}");
    assert!(answer(&said, "kill", 0).contains("killed"), "{said}");
    assert!(
        ended.stderr.contains("the processor has 4, and all are in use"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.status, Some(4), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("the debugger ended the run"),
        "{}",
        ended.stdout
    );
}
