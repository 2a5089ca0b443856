//! The walls around a worker. This program is its own attacker: it confines itself by the function that workers use, and tries.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};
use std::{env, process, thread};

use libtest_mimic::{Arguments, Trial};
use vmm::worker::{Allowed, Processes, Sockets, confine};

/// What the attacker ends with when it got what it wanted, and when it was refused and lives.
const GOT_IT: i32 = 10;
const REFUSED: i32 = 11;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    if let [_, word, attack, rest @ ..] = &arguments[..]
        && word == "attack"
    {
        process::exit(if attempt(attack, rest) { GOT_IT } else { REFUSED });
    }
    let test = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let tests = vec![
        test("what_is_allowed_can_be_done", what_is_allowed_can_be_done),
        test("another_file_cannot_be_opened", another_file_cannot_be_opened),
        test("nothing_can_be_written", nothing_can_be_written),
        test("nobody_can_be_connected_to", nobody_can_be_connected_to),
        test(
            "with_sockets_only_named_servers_can_be_connected_to",
            with_sockets_only_named_servers,
        ),
        test("no_process_can_be_started", no_process_can_be_started),
        test("no_program_can_be_run", no_program_can_be_run),
        test(
            "whoever_forks_itself_can_run_no_program",
            whoever_forks_itself_can_run_no_program,
        ),
        test(
            "no_other_process_can_be_signalled",
            no_other_process_can_be_signalled,
        ),
        test("memory_is_bounded", memory_is_bounded),
        test("processor_time_is_bounded", processor_time_is_bounded),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// Runs an attack in a process of its own, unconfined and confined.
fn attack(name: &str, arguments: &[&str]) -> (ExitStatus, ExitStatus) {
    let run = |how: &str| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["attack", name, how]).args(arguments);
        command.status().unwrap()
    };
    (run("free"), run("confined"))
}

#[track_caller]
fn assert_killed(name: &str, arguments: &[&str], signal: i32) {
    let (free, confined) = attack(name, arguments);
    assert_eq!(free.code(), Some(GOT_IT), "without walls the attack must succeed");
    assert_eq!(confined.signal(), Some(signal), "{confined}");
}

#[track_caller]
fn assert_refused(name: &str, arguments: &[&str]) {
    let (free, confined) = attack(name, arguments);
    assert_eq!(free.code(), Some(GOT_IT), "without walls the attack must succeed");
    assert_eq!(confined.code(), Some(REFUSED), "{confined}");
}

/// The attacker's side: true when it got what it wanted.
fn attempt(attack: &str, arguments: &[String]) -> bool {
    let [how, arguments @ ..] = arguments else {
        return false;
    };
    let argument = arguments.first().map_or("", String::as_str);
    // What any test may have: the program's own file, the memory that it needs, and a second of processor time.
    let mut allowed = Allowed {
        read: vec![env::current_exe().unwrap()],
        memory_bytes: 64 << 20,
        processor_seconds: Some(1),
        ..Allowed::default()
    };
    if attack == "connect-elsewhere" {
        allowed.sockets = Sockets::ToServers;
        allowed.connect = vec!["127.0.0.1:1".parse().unwrap()];
    }
    if attack == "exec-in-a-branch" {
        allowed.processes = Processes::Branches;
    }
    if how == "confined" {
        confine(&allowed).unwrap();
    }
    match attack {
        "open" => File::open(argument).is_ok(),
        "write" => File::create(argument).is_ok(),
        "connect" | "connect-elsewhere" => TcpStream::connect(argument).is_ok(),
        "fork" => start_itself(),
        "exec" | "exec-in-a-branch" => Command::new(argument)
            .status()
            .is_ok_and(|status| status.success()),
        "signal" => {
            let pid = rustix::process::Pid::from_raw(argument.parse().unwrap());
            rustix::process::test_kill_process(pid.unwrap()).is_ok()
        }
        "memory" => {
            let mut memory: Vec<u8> = Vec::new();
            let got = memory.try_reserve_exact(128 << 20);
            got.is_ok()
        }
        "compute" => {
            let counted = (0..20_000_000_000_u64).fold(0_u64, |sum, number| sum.wrapping_mul(31) ^ number);
            // Without walls there is no need to wait for the end.
            counted != 1
        }
        "thread" => thread::spawn(|| 1).join().is_ok_and(|one| one == 1),
        other => panic!("{other} is no attack"),
    }
}

fn start_itself() -> bool {
    Command::new("/proc/self/exe")
        .args(["attack", "thread", "free"])
        .spawn()
        .is_ok_and(|mut child| child.wait().is_ok())
}

fn what_is_allowed_can_be_done() {
    let own = env::current_exe().unwrap();
    for (name, argument) in [("open", own.to_str().unwrap()), ("thread", "")] {
        let (free, confined) = attack(name, &[argument]);
        assert_eq!(
            (free.code(), confined.code()),
            (Some(GOT_IT), Some(GOT_IT)),
            "{name}"
        );
    }
}

fn another_file_cannot_be_opened() {
    assert_refused("open", &["/etc/passwd"]);
    assert_refused("open", &["/proc/self/environ"]);
}

fn nothing_can_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    assert_refused("write", &[file.to_str().unwrap()]);
}

fn nobody_can_be_connected_to() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    assert_killed("connect", &[&address], libc::SIGSYS);
}

fn with_sockets_only_named_servers() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    assert_refused("connect-elsewhere", &[&address]);
}

fn no_process_can_be_started() {
    assert_killed("fork", &[], libc::SIGSYS);
}

fn whoever_forks_itself_can_run_no_program() {
    assert_refused("exec-in-a-branch", &["/bin/true"]);
}

fn no_program_can_be_run() {
    assert!(Path::new("/bin/true").exists());
    assert_killed("exec", &["/bin/true"], libc::SIGSYS);
}

fn no_other_process_can_be_signalled() {
    let own = process::id().to_string();
    assert_killed("signal", &[&own], libc::SIGSYS);
}

fn memory_is_bounded() {
    assert_refused("memory", &[]);
}

fn processor_time_is_bounded() {
    let mut command = Command::new(env::current_exe().unwrap());
    let status = command.args(["attack", "compute", "confined"]).status().unwrap();
    assert_eq!(status.signal(), Some(libc::SIGXCPU), "{status}");
}
