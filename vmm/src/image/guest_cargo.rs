//! Runs cargo for the guest crates: the user's stable cargo, with the target, the flags and the sysroot that they need
//! and nothing of an outer cargo's environment.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};

use serde::Deserialize;

use super::places::Places;
use super::sysroot::{self, Sysroot};
use super::{ImageError, Progress, TARGET, lock};

/// A crate of the guest, or several of a kind. Each has its own compiler flags and its own cargo target directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestCrate {
    /// `guest-kernel`.
    Kernel,
    /// `guest-user`.
    User,
    /// The crates of `guest-modules`.
    Modules,
}

/// Runs `cargo` with `args` (as in `clippy -p guest-kernel`) the way the image builder would, with this process's
/// standard streams.
///
/// # Errors
/// When no `core` library can be had for the guest's target, or when cargo does not start.
pub fn run_guest_cargo(
    guest_crate: GuestCrate,
    args: &[OsString],
    progress: &dyn Progress,
) -> Result<ExitStatus, ImageError> {
    let places = Places::find()?;
    let sysroot = lock::hold(&places, progress).and_then(|lock| sysroot::ensure(&lock, progress));
    progress.finish();
    let mut cargo = command(&places, guest_crate, &sysroot?);
    cargo.args(args).status().map_err(|source| ImageError::Start {
        program: "cargo".to_owned(),
        source,
    })
}

/// Compiles the crate and returns the files of its programs.
pub(super) fn build(
    places: &Places,
    guest_crate: GuestCrate,
    features: &[&str],
    sysroot: &Sysroot,
) -> Result<Vec<Program>, ImageError> {
    let package = guest_crate.package();
    let mut cargo = command(places, guest_crate, sysroot);
    cargo.args(["build", "--quiet", "--release", "--locked", "--bins"]);
    cargo.args([
        "--package",
        package,
        "--message-format",
        "json-render-diagnostics",
        "--features",
        &features.join(","),
    ]);
    let output = run(places, cargo, package)?;
    let mut programs: Vec<Program> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(Program::from_message)
        .collect();
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(programs)
}

/// Puts crates that are new in the workspace into its lock file. Nothing is compiled, and nothing is fetched.
pub(super) fn lock_new_members(places: &Places) -> Result<(), ImageError> {
    let mut cargo = Command::new("cargo");
    cargo.args(["update", "--quiet", "--workspace", "--offline"]);
    cargo.current_dir(&places.workspace);
    let output = cargo.output().map_err(|source| ImageError::Start {
        program: "cargo".to_owned(),
        source,
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(ImageError::Compile {
        package: GuestCrate::Modules.package().to_owned(),
        status: output.status,
        diagnostics: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Compiles the module's crate of that name to one relocatable object.
pub(super) fn build_object(
    places: &Places,
    name: &str,
    object: &Path,
    sysroot: &Sysroot,
) -> Result<(), ImageError> {
    let mut cargo = command(places, GuestCrate::Modules, sysroot);
    cargo.args(["rustc", "--quiet", "--release", "--locked"]);
    cargo.args(["--lib", "--package", name, "--"]);
    cargo.arg(format!("--emit=obj={}", object.display()));
    run(places, cargo, name).map(drop)
}

/// Runs cargo for a package to its end, and gives what it wrote.
fn run(places: &Places, mut cargo: Command, package: &str) -> Result<Output, ImageError> {
    cargo.env("CARGO_TERM_PROGRESS_WHEN", "never");
    let output = places
        .contained(cargo)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| ImageError::Start {
            program: "cargo".to_owned(),
            source,
        })?;
    if output.status.success() {
        return Ok(output);
    }
    Err(ImageError::Compile {
        package: package.to_owned(),
        status: output.status,
        diagnostics: places.diagnostics(&output),
    })
}

/// A program that cargo has linked.
pub(super) struct Program {
    pub(super) name: String,
    pub(super) executable: PathBuf,
}

impl Program {
    /// Cargo's messages are of many kinds; those about an executable are the ones with a path to it.
    fn from_message(line: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Artifact {
            target: Target,
            executable: PathBuf,
        }
        #[derive(Deserialize)]
        struct Target {
            name: String,
        }
        let Artifact { target, executable } = serde_json::from_str(line).ok()?;
        Some(Self {
            name: target.name,
            executable,
        })
    }
}

impl GuestCrate {
    pub(super) const ALL: [Self; 3] = [Self::Kernel, Self::User, Self::Modules];

    pub(super) fn package(self) -> &'static str {
        match self {
            Self::Kernel => "guest-kernel",
            Self::User => "guest-user",
            Self::Modules => "guest-modules",
        }
    }

    /// The crate whose sources are below the same folder of the workspace; None for a file of another's.
    pub(super) fn of_source(path: &Path) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|guest_crate| path.starts_with(guest_crate.package()))
    }

    /// The kernel is linked to the top 2 GiB of the address space, programs to the bottom; neither is ever moved. Modules are
    /// loaded to the top, too, and nobody unwinds them.
    pub(super) fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Kernel => &["-Crelocation-model=static", "-Ccode-model=kernel"],
            Self::User => &["-Crelocation-model=static"],
            Self::Modules => &[
                "-Crelocation-model=static",
                "-Ccode-model=kernel",
                "-Cforce-unwind-tables=no",
            ],
        }
    }

    /// Settings that differ from the workspace's release profile. Where KVM interprets the kernel, each instruction counts that inlining
    /// saves, and a debugger wants the types of what it prints. A module is one object, and every byte and every relocation of it is work for the guest.
    fn profile(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Kernel => &[
                ("CARGO_PROFILE_RELEASE_LTO", "fat"),
                ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
                ("CARGO_PROFILE_RELEASE_DEBUG", "full"),
            ],
            Self::User => &[],
            Self::Modules => &[
                ("CARGO_PROFILE_RELEASE_LTO", "fat"),
                ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
                ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s"),
                ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
            ],
        }
    }
}

fn command(places: &Places, guest_crate: GuestCrate, sysroot: &Sysroot) -> Command {
    let mut flags: Vec<OsString> = guest_crate.flags().iter().map(OsString::from).collect();
    if let Sysroot::Private(path) = sysroot {
        flags.extend(["--sysroot".into(), path.into()]);
    }
    let mut cargo = Command::new("cargo");
    for (variable, _) in env::vars_os().filter(|(variable, _)| is_of_an_outer_build(variable)) {
        cargo.env_remove(variable);
    }
    cargo
        .current_dir(&places.workspace)
        .env("CARGO_BUILD_TARGET", TARGET)
        .env("CARGO_TARGET_DIR", places.cargo_target(guest_crate.package()))
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join(OsStr::new("\x1f")))
        .envs(guest_crate.profile().iter().copied());
    cargo
}

/// Whether a variable describes some other build, by a cargo above us or by a user's wish for the host's code. What says
/// how to reach registries, or which toolchain is active, stays.
fn is_of_an_outer_build(variable: &OsStr) -> bool {
    let Some(variable) = variable.to_str() else {
        return false;
    };
    let stays = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
    ];
    let goes = ["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS"];
    goes.iter().any(|prefix| variable.starts_with(prefix))
        && !stays.iter().any(|prefix| variable.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_an_outer_cargo_go_and_settings_of_registries_and_toolchain_stay() {
        for variable in [
            "CARGO",
            "CARGO_MANIFEST_DIR",
            "CARGO_TARGET_DIR",
            "RUSTFLAGS",
            "RUSTC_WRAPPER",
        ] {
            assert!(is_of_an_outer_build(OsStr::new(variable)), "{variable}");
        }
        for variable in [
            "PATH",
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRIES_X_INDEX",
            "RUSTUP_TOOLCHAIN",
        ] {
            assert!(!is_of_an_outer_build(OsStr::new(variable)), "{variable}");
        }
    }

    #[test]
    fn only_messages_about_executables_are_programs() {
        let program = r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"agent"},"executable":"/t/agent"}"#;
        let library =
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"abi"},"executable":null}"#;
        let end = r#"{"reason":"build-finished","success":true}"#;
        let found: Vec<_> = [program, library, end]
            .into_iter()
            .filter_map(Program::from_message)
            .collect();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].name.as_str(), found[0].executable.to_str()),
            ("agent", Some("/t/agent"))
        );
    }
}
