//! What cannot be debugged.

use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::run::{Run, vmm};

#[test]
fn what_cannot_be_debugged_is_refused_before_anything_runs() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (args, expected) in [
        (
            vec!["--gdb", "0", "scenarios/cow.json", "scenarios/exec.json"],
            "--gdb is for one scenario, and there are 2",
        ),
        (
            vec!["--gdb", "0", "--jobs", "2", "scenarios/cow.json"],
            "leave out --jobs 2",
        ),
        (
            vec!["--gdb", "0", "scenarios/dirtycow-vulnerable.json"],
            "the scenario explores schedules",
        ),
        (
            vec!["--gdb", "0", "scenarios/calls/null-store.json"],
            "--gdb steps the processor, and so does the scenario",
        ),
        (
            vec!["--gdb", "0", "--platform", "emulated", "scenarios/cow.json"],
            "--gdb debugs guests on this machine's KVM",
        ),
        (
            vec!["--gdb", "0", "--give-up-after", "5", "scenarios/cow.json"],
            "cannot be used with",
        ),
        (
            vec!["--gdb", "example.org:1", "scenarios/cow.json"],
            "expected PORT, ADDRESS:PORT",
        ),
        (
            vec!["--gdb", &taken, "scenarios/cow.json"],
            "cannot wait for a debugger at 127.0.0.1:",
        ),
    ] {
        let output = vmm(&args).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(expected), "{args:?}: {told}");
        assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn an_address_that_others_reach_is_taken_with_a_warning() {
    let run = Run::of("cow", "0.0.0.0:0");
    assert!(
        run.told()
            .contains("warning: whoever can reach 0.0.0.0:0 can read and write"),
        "{}",
        run.told()
    );
    let port = run.place.parse::<SocketAddr>().unwrap().port();
    drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
    let ended = run.end();
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("its connection is lost"),
        "{}",
        ended.stderr
    );

    let run = Run::of("cow", "0");
    assert!(!run.told().contains("warning"), "{}", run.told());
    drop(TcpStream::connect(&run.place).unwrap());
    assert_eq!(run.end().status, Some(0));
}
