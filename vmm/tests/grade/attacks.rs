//! Submissions that attack who grades them: each is stopped, and told, and the others of the call are graded.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use crate::{ITEM, course, grade, kept, root, write};

const COW: &str = "guest-kernel/src/mm/address_space/cow.rs";
const BUILD_SCRIPT: &str = "guest-kernel/build.rs";
/// A build script that tries something, and says what came of it: what a build script that fails prints is told.
fn build_script(attempt: &str) -> String {
    format!(
        "fn main() {{\n    match attempt() {{\n        Ok(got) => panic!(\"it got {{got}}\"),\n        \
         Err(error) => panic!(\"it was stopped: {{error}}\"),\n    }}\n}}\n\nfn attempt() -> std::io::Result<String> {{\n    {attempt}\n}}\n"
    )
}

#[test]
fn each_is_stopped_and_told_and_the_others_are_graded() {
    let course = course(&format!(
        "title = \"T\"\nkind = \"sources\"\ntotal = 20\ntake = [\"{BUILD_SCRIPT}\", \"{COW}\"]\n[limits]\nbuild_seconds = 300\n\
         {ITEM}[[scenario]]\nfile = \"hello.json\"\npoints = 10\n"
    ));
    let hello = r#"{ "name": "hello", "description": "A program of the course.", "steps": [
        { "in": "parent", "do": "exec", "program": "hello", "nonce": true, "output": "hello\nargv[0] = hello\n" } ] }"#;
    write(&course.path().join("hello.json"), hello);
    let secret = course.path().join("secret");
    // Nothing else holds this text: no other run of this test, and not its source.
    let solution = format!("the solution {}", std::process::id());
    write(&secret, &solution);
    let right = fs::read(root().join("examples/course/submissions/right").join(COW)).unwrap();
    let forged = fs::read(root().join("examples/course/submissions/forged").join(COW)).unwrap();
    let submit = |name: &str, files: &[(&str, &[u8])]| {
        for (path, contents) in files {
            write(&course.path().join(name).join(path), contents);
        }
    };

    let reads = format!("std::fs::read_to_string({:?})", secret.display().to_string());
    submit("reads", &[(BUILD_SCRIPT, build_script(&reads).as_bytes())]);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connects = format!("std::net::TcpStream::connect({address:?}).map(|_| \"a connection\".to_owned())");
    submit("connects", &[(BUILD_SCRIPT, build_script(&connects).as_bytes())]);

    // Its processes hold nothing that anybody waits for.
    let bomb = "for number in 0..100_000 {
        let mut sleep = std::process::Command::new(\"sleep\");
        let null = std::process::Stdio::null;
        sleep.arg(\"600\").stdin(null()).stdout(null()).stderr(null());
        if let Err(error) = sleep.spawn() {
            return Err(std::io::Error::other(format!(\"after {number} processes: {error}\")));
        }
    }
    Ok(\"as many processes as it wanted\".to_owned())";
    submit("bomb", &[(BUILD_SCRIPT, build_script(bomb).as_bytes())]);

    let link = course.path().join("link").join(COW);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(&secret, &link).unwrap();

    submit("forged", &[(COW, &forged)]);
    let replaced = b"fn main() { println!(\"PASS\") }\n";
    submit(
        "replaced",
        &[(COW, &right), ("guest-user/src/bin/hello.rs", replaced)],
    );
    submit("right", &[(COW, &right)]);

    let run = grade(
        &course,
        &["reads", "connects", "bomb", "link", "forged", "replaced", "right"],
    );
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    let why = |name: &str| {
        let grade = kept(&course, name);
        assert_eq!(grade["build"]["build"], "failed", "{grade:#}");
        assert_eq!(grade["points"], 0);
        grade["build"]["why"].as_str().unwrap().to_owned()
    };
    for (name, told) in [
        ("reads", "it was stopped: No such file or directory"),
        ("connects", "it was stopped: "),
        ("bomb", "it was stopped: after "),
        ("link", "symbolic link"),
    ] {
        let why = why(name);
        assert!(why.contains(told), "{name}: {why}");
        assert!(run.stdout.contains(told), "{name}: {}", run.stdout);
    }
    // The processes were refused before there were more than a build may have, not when its time was over. Where nothing can bound them for
    // root, the call says so.
    let bomb = why("bomb");
    let number = bomb.split("it was stopped: after ").nth(1).unwrap();
    let (number, refused) = number.split_once(" processes: ").unwrap();
    assert!(refused.contains("os error 11"), "{bomb}");
    if !run.stderr.contains("no control group can be made here") {
        let most = if rustix::process::geteuid().is_root() {
            1024
        } else {
            4096
        };
        assert!(number.parse::<u64>().unwrap() < most, "{bomb}");
    }
    // Of what does not build only the log is left.
    let left = |name: &str| {
        let entries = fs::read_dir(course.path().join("out/builds").join(name)).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    let [log] = &left("reads")[..] else {
        panic!("{:?}", left("reads"))
    };
    assert!(log.ends_with("build.log"), "{log:?}");
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("it was stopped: No such file or directory"), "{log}");
    let accepted = listener.accept().map_err(|error| error.kind());
    assert!(matches!(accepted, Err(ErrorKind::WouldBlock)), "{accepted:?}");
    assert!(!has_text(&course.path().join("out"), &solution));

    let forged = kept(&course, "forged");
    assert_eq!(outcomes(&forged), ["failed-checks", "passed"], "{}", run.stdout);
    for name in ["replaced", "right"] {
        let grade = kept(&course, name);
        assert_eq!(
            (&grade["points"], outcomes(&grade)),
            (&20.into(), vec!["passed", "passed"]),
            "{name}"
        );
    }
    let told = "replaced: guest-user/src/bin/hello.rs is not taken";
    assert!(run.stderr.contains(told), "{}", run.stderr);
}

fn outcomes(grade: &Value) -> Vec<&str> {
    let scenarios = grade["scenarios"].as_array().unwrap().iter();
    scenarios
        .map(|scenario| scenario["outcome"].as_str().unwrap())
        .collect()
}

/// Whether a file below a folder holds a text.
fn has_text(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            return false;
        }
        if path.is_dir() {
            return has_text(&path, text);
        }
        let contents = fs::read(&path).unwrap();
        contents
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}
