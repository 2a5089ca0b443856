//! Programs of the system, each tried.

use std::process::{Command, Stdio};

use super::{Check, Need, State, missing, there};
use crate::debian::tool;
use crate::image;

/// A C program that needs a static libc.
const C_PROGRAM: &str = "int main(void) { return 0; }\n";

/// A sandbox in which submissions are built.
pub(super) fn sandbox() -> Check {
    let tried = Command::new("bwrap")
        .args([
            "--unshare-all",
            "--die-with-parent",
            "--ro-bind",
            "/",
            "/",
            "--",
            "true",
        ])
        .stdin(Stdio::null())
        .output();
    let state = match tried {
        Ok(output) if output.status.success() => there("bubblewrap"),
        Ok(output) => missing(
            &format!(
                "bubblewrap does not work: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            ),
            "sudo sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000",
        ),
        Err(_) if tool::find("apt-get").is_some() => {
            there("not installed; Debian's bubblewrap is fetched with apt when submissions are built")
        }
        Err(error) => missing(&format!("bwrap: {error}"), "sudo apt-get install bubblewrap"),
    };
    Check {
        name: "sandbox",
        need: Need::Extra("to build submissions (`vmm grade`)"),
        state,
    }
}

/// The emulator of machines.
pub(super) fn qemu() -> Check {
    Check {
        name: "QEMU",
        need: Need::Extra("for `--platform emulated`"),
        state: version("qemu-system-x86_64", "sudo apt-get install qemu-system-x86"),
    }
}

/// The package manager, which fetches what is missing into the cache.
pub(super) fn apt() -> Check {
    Check {
        name: "apt",
        need: Need::Extra("to fetch the kernel of an emulated machine, and what else is not installed"),
        state: version(
            "apt-get",
            "use Debian or Ubuntu, or install what is missing by hand",
        ),
    }
}

/// The C compiler, with a static libc.
pub(super) fn c_compiler() -> State {
    let mend = "sudo apt-get install gcc libc6-dev   (or name another compiler in CC)";
    let (compiler, mut call) = image::c_compiler();
    let Ok(folder) = tempfile::tempdir() else {
        return missing(
            "there is no place for temporary files",
            "set TMPDIR to a folder that can be written to",
        );
    };
    let source = folder.path().join("program.c");
    let program = folder.path().join("program");
    if std::fs::write(&source, C_PROGRAM).is_err() {
        return missing(
            "temporary files cannot be written",
            "set TMPDIR to a folder that can be written to",
        );
    }
    let tried = call.args(["-static", "-o"]).args([&program, &source]).output();
    match tried {
        Ok(output) if output.status.success() => there(&format!("`{compiler}`, with a static libc")),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let first = said.lines().next().unwrap_or("no reason given").to_owned();
            missing(&format!("`{compiler}` makes no static program: {first}"), mend)
        }
        Err(error) => missing(&format!("`{compiler}`: {error}"), mend),
    }
}

/// The first line of what a program says of its version.
fn version(program: &str, mend: &str) -> State {
    let asked = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    match asked {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout);
            there(said.lines().next().unwrap_or(program))
        }
        Ok(output) => missing(&format!("{program} ends with {}", output.status), mend),
        Err(error) => missing(&format!("{program}: {error}"), mend),
    }
}
