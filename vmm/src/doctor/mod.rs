//! What this machine can do of what Ringside needs, found out by trying, and what to do about what is missing.
//!
//! [`examine`] tries everything, changes nothing, and fetches nothing.

mod programs;

use std::fmt;

use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};

use crate::debian::tool;
use crate::image::{self, CoreSource, ProcessBound};
use crate::platform::KvmKind;
use crate::printable::{self, Printable};
use crate::vm::{self, OpenError};

/// What something is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To run any scenario.
    Running,
    /// To build the guest image. Whoever is given one needs none of it.
    Building,
    /// For less than that; the text says for what.
    Extra(&'static str),
}

/// Whether something is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It works.
    There {
        /// What was found.
        found: Printable,
    },
    /// It does not.
    Missing {
        /// What was found in its place.
        found: Printable,
        /// What mends it: a command for a shell, or a sentence.
        mend: String,
    },
}

/// Something that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// What it is needed for.
    pub need: Need,
    /// Whether it is there.
    pub state: State,
}

impl Check {
    /// Whether what cannot be done without it is what everybody wants.
    #[must_use]
    pub fn is_wanting(&self) -> bool {
        match (&self.state, self.need) {
            (State::There { .. }, _) | (State::Missing { .. }, Need::Extra(_)) => false,
            (State::Missing { .. }, Need::Running | Need::Building) => true,
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Need::Running => "to run scenarios",
            Need::Building => "to build the guest image; with `--image` it is not",
            Need::Extra(what) => what,
        })
    }
}

/// Tries everything.
#[must_use]
pub fn examine() -> Vec<Check> {
    let mut checks = vec![kvm(), confinement()];
    checks.extend(building());
    checks.extend([
        programs::sandbox(),
        bound_of_processes(),
        programs::qemu(),
        programs::apt(),
    ]);
    checks
}

fn kvm() -> Check {
    let state = match vm::open() {
        Ok(kvm) => match KvmKind::of(&kvm) {
            Ok(kind) => there(match kind {
                KvmKind::Kvm => "/dev/kvm, on which the processor runs guests",
                KvmKind::KvmInterpreted => {
                    "/dev/kvm, which interprets kernel mode: the project's own guest runs on it, and `--guest linux` in an emulated machine"
                }
                KvmKind::KvmEmulated => "/dev/kvm of an emulated machine, which is slow",
            }),
            Err(error) => missing(
                &causes(&error),
                "restart the machine, or have whoever runs it switch on nested virtualisation",
            ),
        },
        Err(error) => missing(&error.to_string(), kvm_mend(&error)),
    };
    Check {
        name: "KVM",
        need: Need::Running,
        state,
    }
}

fn kvm_mend(error: &OpenError) -> &'static str {
    match error {
        OpenError::Missing { .. } => {
            "sudo modprobe kvm_intel || sudo modprobe kvm_amd   (in a virtual machine: switch on nested virtualisation; without KVM, \
             `--platform emulated` is slow and needs QEMU)"
        }
        OpenError::NotPermitted { .. } => {
            "sudo usermod -aG \"$(stat -c %G /dev/kvm)\" \"$USER\"   (and log in again)"
        }
        OpenError::Unusable { .. } | OpenError::WrongVersion { .. } | OpenError::TooOld { .. } => {
            "use a Linux of 5.13 or later, with its own KVM module"
        }
    }
}

fn confinement() -> Check {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let state = match ruleset.handle_access(AccessFs::from_all(ABI::V1)) {
        Ok(_) => there("Landlock"),
        Err(error) => missing(
            &error.to_string(),
            "boot with `lsm=landlock,...` on a Linux of 5.13 or later, or run trusted guests with `--unconfined`",
        ),
    };
    Check {
        name: "confinement",
        need: Need::Running,
        state,
    }
}

/// What ends a build of a submission that makes processes without end.
fn bound_of_processes() -> Check {
    let state = match ProcessBound::find() {
        ProcessBound::Group(_) => there("a control group"),
        ProcessBound::User => there("the limit of a user's processes"),
        ProcessBound::Nothing => missing(
            "root has no limit, and no control group that counts processes can be made below /sys/fs/cgroup: only the time limit ends such a build",
            "grade as an ordinary user, or, in a container, mount /sys/fs/cgroup writable",
        ),
    };
    Check {
        name: "bound of processes",
        need: Need::Extra("to stop a submission whose build makes processes without end"),
        state,
    }
}

/// What the guest image is made with. Without sources nothing else is asked.
fn building() -> Vec<Check> {
    let check = |name, state| Check {
        name,
        need: Need::Building,
        state,
    };
    let sources = match image::workspace() {
        Ok(workspace) => there(&workspace.display().to_string()),
        Err(error) => {
            let state = missing(
                &error.to_string(),
                "set RINGSIDE_WORKSPACE to a checkout, or take an image from another machine: `vmm image pack FILE` there, `--image FILE` here",
            );
            return vec![check("guest sources", state)];
        }
    };
    let compiler = image::compiler();
    let toolchain = match &compiler {
        Ok(compiler) => there(&format!("rustc {}", compiler.release)),
        Err(error) => missing(
            &causes(error),
            "install Rust with rustup, or Debian's packages: sudo apt-get install cargo rustc",
        ),
    };
    let mut checks = vec![
        check("guest sources", sources),
        check("Rust toolchain", toolchain),
    ];
    if let Ok(compiler) = &compiler {
        let state = match &compiler.core {
            Some(CoreSource::Target) => there("the target x86_64-unknown-none is installed"),
            Some(CoreSource::Made) => there("made before, in the cache"),
            Some(CoreSource::Source) => there("rust-src is installed, of which it is made"),
            None if tool::find("apt-get").is_some() => {
                there("not installed; Debian's rust-src is fetched with apt when it is needed")
            }
            None => missing("not installed", "rustup target add x86_64-unknown-none"),
        };
        checks.push(check("core library", state));
    }
    checks.push(check("C compiler", programs::c_compiler()));
    checks
}

fn there(found: &str) -> State {
    State::There { found: found.into() }
}

fn missing(found: &str, mend: &str) -> State {
    State::Missing {
        found: found.into(),
        mend: mend.to_owned(),
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    printable::joined(&printable::causes(error), ": ")
}
