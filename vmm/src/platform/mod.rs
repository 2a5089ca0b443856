//! Where machines run: on the host's KVM, or on one that QEMU emulates.
//!
//! A kernel that needs all of its processor cannot run where KVM interprets kernel mode, and nothing can where there is no KVM. There the command
//! itself, unchanged, is put into one machine that QEMU emulates in software, with Debian's kernel and its KVM modules, and makes a call there;
//! what the call prints is heard here as it is printed.
//!
//! - [`choose`]: which of the two it is to be; found out by trying, not by a name
//! - [`KvmKind`]: which kind of KVM there is
//! - [`Emulation`]: what goes into the emulated machine, and how it is run
//! - [`inside`]: the first program of that machine

mod archive;
mod emulation;
mod inside;
mod kind;
mod libraries;
mod watch;

use std::fmt;
use std::str::FromStr;

use kvm_ioctls::Kvm;

use crate::machine::Machine;
use crate::vm::{self, KernelMode, OpenError, VmError};

pub use emulation::{Emulation, EmulationError, SILENCE};
pub use inside::{InsideError, inside};
pub use kind::KvmKind;

/// What the caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// KVM, and where that cannot run the guest, an emulated machine.
    Auto,
    /// The host's KVM.
    Kvm,
    /// An emulated machine.
    Emulated,
}

/// A text that names no platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no platform; there are auto, kvm, emulated")]
pub struct NoSuchPlatform {
    found: String,
}

impl FromStr for Platform {
    type Err = NoSuchPlatform;

    fn from_str(text: &str) -> Result<Platform, NoSuchPlatform> {
        match text {
            "auto" => Ok(Platform::Auto),
            "kvm" => Ok(Platform::Kvm),
            "emulated" => Ok(Platform::Emulated),
            _ => Err(NoSuchPlatform {
                found: text.to_owned(),
            }),
        }
    }
}

/// What it is to be.
#[derive(Debug)]
pub enum Choice {
    /// This KVM.
    Kvm(Kvm),
    /// An emulated machine, for this reason.
    Emulated(Reason),
}

/// Why a machine is emulated.
#[derive(Debug)]
pub enum Reason {
    /// The caller wants it.
    Wanted,
    /// There is no KVM that can be used.
    NoKvm(OpenError),
    /// KVM interprets kernel mode, and the guest's kernel needs more than that.
    Interpreted,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Wanted => formatter.write_str("as wanted"),
            Reason::NoKvm(error) => write!(formatter, "because {error}"),
            Reason::Interpreted => formatter.write_str(
                "because this KVM interprets kernel mode, and the guest's kernel needs a processor",
            ),
        }
    }
}

/// Why there is no choice.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChoiceError {
    /// KVM is wanted and cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// KVM cannot be tried out.
    #[error(transparent)]
    Probe(#[from] VmError),
}

/// Where guests of this machine run.
///
/// # Errors
/// KVM is wanted and cannot be used, or refuses to be tried out.
pub fn choose(wanted: Platform, machine: Machine) -> Result<Choice, ChoiceError> {
    let kvm = match (wanted, vm::open()) {
        (Platform::Emulated, _) => return Ok(Choice::Emulated(Reason::Wanted)),
        (Platform::Auto, Err(error)) => return Ok(Choice::Emulated(Reason::NoKvm(error))),
        (Platform::Kvm, opened) => return Ok(Choice::Kvm(opened?)),
        (Platform::Auto, Ok(kvm)) => kvm,
    };
    match machine {
        // It keeps to what the emulator knows.
        Machine::Bare => Ok(Choice::Kvm(kvm)),
        Machine::Pc => Ok(match vm::kernel_mode(&kvm)? {
            KernelMode::Native => Choice::Kvm(kvm),
            KernelMode::Interpreted => Choice::Emulated(Reason::Interpreted),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_chosen_and_a_kernel_that_needs_little_gets_any_kvm() {
        let emulated = choose(Platform::Emulated, Machine::Bare);
        assert!(matches!(emulated, Ok(Choice::Emulated(Reason::Wanted))));
        if vm::open().is_ok() {
            assert!(matches!(choose(Platform::Kvm, Machine::Pc), Ok(Choice::Kvm(_))));
            assert!(matches!(
                choose(Platform::Auto, Machine::Bare),
                Ok(Choice::Kvm(_))
            ));
        }
    }

    #[test]
    fn names_of_platforms_are_read_and_others_refused() {
        assert_eq!("auto".parse(), Ok(Platform::Auto));
        assert!(
            "xen"
                .parse::<Platform>()
                .unwrap_err()
                .to_string()
                .contains("emulated")
        );
    }
}
