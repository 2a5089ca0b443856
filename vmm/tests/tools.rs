//! What the command offers to people beside runs: completions, manual pages, an examination of the machine, packed images, and suggestions.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

#[path = "support/call.rs"]
mod call;

use std::fs;
use std::process::Command;

use vmm::image::{self, ImageKind};

use call::{root, text, vmm};

#[test]
fn completions_know_every_command_and_its_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let printed = vmm(&["completions", shell]);
        assert_eq!(printed.status.code(), Some(0), "{shell}");
        let script = text(&printed.stdout);
        for word in ["replay", "doctor", "completions", "bundle", "image"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
        assert!(
            !script.contains("emulated-init"),
            "what is hidden is not offered by {shell}"
        );
    }
}

#[test]
fn bash_takes_the_completions() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vmm");
    fs::write(&file, vmm(&["completions", "bash"]).stdout).unwrap();
    let script = format!(
        "source {}; COMP_WORDS=(vmm repl); COMP_CWORD=1; _vmm vmm repl vmm; echo \"${{COMPREPLY[@]}}\"",
        file.display()
    );
    let asked = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(text(&asked.stdout), "replay\n", "{}", text(&asked.stderr));
}

#[test]
fn every_command_has_a_manual_page_with_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let written = vmm(&["man", pages.to_str().unwrap()]);
    assert_eq!(written.status.code(), Some(0), "{}", text(&written.stderr));
    let page = |name: &str| fs::read_to_string(pages.join(name)).unwrap();
    assert!(page("vmm.1").contains("vmm\\-replay"), "{}", page("vmm.1"));
    assert!(page("vmm-run.1").contains("\\-\\-bundle"));
    assert!(page("vmm-image-pack.1").starts_with(".ie"), "roff begins so");
    let names: Vec<String> = fs::read_dir(&pages)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        !names
            .iter()
            .any(|name| name.contains("worker") || name.contains("emulated")),
        "{names:?}"
    );
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in [
        "run",
        "grade",
        "merge",
        "replay",
        "list",
        "clauses",
        "language",
        "fuzz",
        "schema",
        "image build",
        "image pack",
        "completions",
        "man",
        "doctor",
    ] {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.push("--help");
        let help = vmm(&arguments);
        assert_eq!(help.status.code(), Some(0), "{command}");
        assert!(
            text(&help.stdout).contains(&format!("  vmm {command}")),
            "{command}: {}",
            text(&help.stdout)
        );
    }
}

#[test]
fn the_examination_names_what_there_is_and_says_how_to_mend_what_is_missing() {
    let examined = vmm(&["doctor"]);
    let told = text(&examined.stdout);
    for name in [
        "KVM",
        "confinement",
        "guest sources",
        "Rust toolchain",
        "core library",
        "C compiler",
        "sandbox",
        "bound of processes",
        "QEMU",
        "apt",
    ] {
        let line = told
            .lines()
            .find(|line| line[9..].starts_with(&format!("{name}: ")));
        assert!(
            line.is_some_and(|line| line.starts_with("ok ") || line.starts_with("missing ")),
            "{name}: {told}"
        );
    }
    assert_eq!(
        told.matches("missing  ").count(),
        told.matches("to mend it: ").count(),
        "{told}"
    );

    // Neither compilers nor anything else can be found, and no sources either.
    let examined = Command::new(env!("CARGO_BIN_EXE_vmm"))
        .arg("doctor")
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    let told = text(&examined.stdout);
    assert_eq!(examined.status.code(), Some(4), "{told}");
    let wanting = "missing  Rust toolchain: cannot run rustc: No such file or directory (os error 2)\n         needed to build the guest image";
    assert!(told.contains(wanting), "{told}");
    assert!(
        told.contains("to mend it: sudo apt-get install bubblewrap\n"),
        "{told}"
    );
    assert!(
        told.ends_with("This machine lacks: Rust toolchain, C compiler.\n"),
        "{told}"
    );
    let examined = Command::new(env!("CARGO_BIN_EXE_vmm"))
        .arg("doctor")
        .env("RINGSIDE_WORKSPACE", "/nowhere")
        .output()
        .unwrap();
    let told = text(&examined.stdout);
    assert_eq!(examined.status.code(), Some(4), "{told}");
    assert!(told.ends_with("This machine lacks: guest sources.\n"), "{told}");
}

#[test]
fn an_installed_command_needs_no_sources_when_it_is_given_a_packed_image() {
    let folder = tempfile::tempdir().unwrap();
    let packed = folder.path().join("guest.tar.zst");
    let image = image::ensure(ImageKind::Shipped, &*image::to_stderr()).unwrap();
    let image = image.kernel.parent().unwrap();
    let written = vmm(&[
        "image",
        "pack",
        "--image",
        image.to_str().unwrap(),
        packed.to_str().unwrap(),
    ]);
    assert_eq!(
        (written.status.code(), text(&written.stderr).as_str()),
        (Some(0), "")
    );
    let scenario = root().join("scenarios/exec.json");
    // As on a machine that has the command alone.
    let installed = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
        command
            .current_dir(folder.path())
            .env("RINGSIDE_WORKSPACE", "/nowhere");
        command
            .env("XDG_CACHE_HOME", folder.path())
            .env_remove("RINGSIDE_CACHE");
        command.args(arguments).arg(&scenario).output().unwrap()
    };
    for _ in ["it is unpacked", "and once more, when it is there already"] {
        let run = installed(&["run", "--image", packed.to_str().unwrap()]);
        assert_eq!(
            (run.status.code(), text(&run.stderr).as_str()),
            (Some(0), ""),
            "{}",
            text(&run.stdout)
        );
    }
    assert_eq!(
        fs::read_dir(folder.path().join("ringside/packed"))
            .unwrap()
            .count(),
        1
    );
    let without = installed(&["run"]);
    assert_eq!(without.status.code(), Some(2));
    insta::assert_snapshot!("no_sources_and_no_image", text(&without.stderr));
}

#[test]
fn what_is_wrong_with_a_call_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let text_file = folder.path().join("text");
    fs::write(&text_file, "no image").unwrap();
    let text_file = text_file.to_str().unwrap();
    let calls: [&[&str]; 15] = [
        &["lsit"],
        &["scenarois"],
        &["no-such-scenario.json"],
        &["replay"],
        &["replay", "--slow", "0", "a.tar.zst"],
        &["replay", "--platform", "xen", "a.tar.zst"],
        &["run", "--bundle"],
        &["completions"],
        &["completions", "tcsh"],
        &["man", "/proc/nowhere"],
        &["image", "pack"],
        &["image", "pack", "--image", "/nowhere", "a.tar.zst"],
        &["image", "pack", "/nowhere/a.tar.zst"],
        &["run", "--image", text_file, "scenarios/cow.json"],
        &["language", "/nowhere"],
    ];
    let mut told = String::new();
    for arguments in calls {
        let refused = vmm(arguments);
        assert_eq!(text(&refused.stdout), "", "{arguments:?}");
        let status = refused.status.code().unwrap();
        let arguments = arguments.join(" ");
        told += &format!("$ vmm {arguments}\n{}status {status}\n\n", text(&refused.stderr));
    }
    let told = told.replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!("what_is_wrong_with_a_call", told);
}
