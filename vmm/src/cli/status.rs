//! What the command's exit status says.

use vmm::bundle::BundleError;
use vmm::guest::GuestError;
use vmm::guest::linux::NoLinux;
use vmm::image::{AddedError, ImageError, PackError};
use vmm::packed::PackedError;
use vmm::platform::{ChoiceError, EmulationError};
use vmm::report::Verdict;
use vmm::results::ResultsError;
use vmm::vm::{OpenError, VmError};

/// An exit status. The same table stands in the help and in the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Everything passed.
    Passed,
    /// A guest failed. It outranks everything that could not be told beside it: no second run would change it.
    GuestFailed,
    /// What the command was given cannot be used: an argument, a scenario, a rubric, an image.
    UnusableInput,
    /// What is to be judged does not compile.
    DoesNotBuild,
    /// The harness or the host could not tell.
    CouldNotTell,
}

/// What stands in the help.
pub(super) const EXIT_STATUS: &str = "\
Exit status:
  0  everything passed
  1  a guest failed; whatever could not be told beside it
  2  the input is unusable: an argument, a scenario, a rubric, an image
  3  what is to be judged does not build
  4  the harness or the host could not tell, or was interrupted";

impl Status {
    pub(super) fn code(self) -> u8 {
        match self {
            Status::Passed => 0,
            Status::GuestFailed => 1,
            Status::UnusableInput => 2,
            Status::DoesNotBuild => 3,
            Status::CouldNotTell => 4,
        }
    }
}

impl Status {
    /// The status that a call of this command has ended with.
    pub(super) fn of_code(code: u8) -> Status {
        let all = [
            Status::Passed,
            Status::GuestFailed,
            Status::UnusableInput,
            Status::DoesNotBuild,
        ];
        let found = all.into_iter().find(|status| status.code() == code);
        found.unwrap_or(Status::CouldNotTell)
    }
}

impl From<Verdict> for Status {
    fn from(verdict: Verdict) -> Status {
        match verdict {
            Verdict::Pass => Status::Passed,
            Verdict::Fail => Status::GuestFailed,
            Verdict::Broken => Status::CouldNotTell,
        }
    }
}

/// An error that has an exit status.
pub(super) trait HasStatus: std::error::Error {
    /// What the command ends with when this is why it ends.
    fn status(&self) -> Status;
}

impl HasStatus for ImageError {
    fn status(&self) -> Status {
        match self {
            ImageError::NoSources { .. } | ImageError::Incomplete { .. } => Status::UnusableInput,
            ImageError::Compile { .. }
            | ImageError::CompileC { .. }
            | ImageError::ModuleName { .. }
            | ImageError::NoBinary { .. } => Status::DoesNotBuild,
            ImageError::File { .. }
            | ImageError::Start { .. }
            | ImageError::Compiler { .. }
            | ImageError::UnknownCompiler { .. }
            | ImageError::Sandbox(_)
            | ImageError::NoCore(_)
            | ImageError::NoCCompiler { .. } => Status::CouldNotTell,
        }
    }
}

impl HasStatus for AddedError {
    fn status(&self) -> Status {
        match self {
            AddedError::Image(error) => error.status(),
            // There may be further ways not to be added.
            _ => Status::UnusableInput,
        }
    }
}

impl HasStatus for PackedError {
    fn status(&self) -> Status {
        match self {
            PackedError::File { .. } => Status::CouldNotTell,
            // There may be further ways to be no such file.
            _ => Status::UnusableInput,
        }
    }
}

impl HasStatus for BundleError {
    fn status(&self) -> Status {
        match self {
            BundleError::Packed(error) => error.status(),
            BundleError::Folder(_) => Status::CouldNotTell,
            // There may be further ways to be no bundle.
            _ => Status::UnusableInput,
        }
    }
}

impl HasStatus for PackError {
    fn status(&self) -> Status {
        match self {
            PackError::Packed(error) => error.status(),
            PackError::Read(error) => error.status(),
            PackError::Image(error) => error.status(),
            // There may be further reasons.
            _ => Status::CouldNotTell,
        }
    }
}

impl HasStatus for ChoiceError {
    fn status(&self) -> Status {
        match self {
            ChoiceError::Probe(error) => error.status(),
            // There may be further reasons.
            _ => Status::CouldNotTell,
        }
    }
}

impl HasStatus for EmulationError {
    fn status(&self) -> Status {
        match self {
            EmulationError::File { .. } => Status::UnusableInput,
            EmulationError::Image(error) => error.status(),
            // What the machine lacks is for the host to have, and there may be further reasons.
            _ => Status::CouldNotTell,
        }
    }
}

impl HasStatus for GuestError {
    fn status(&self) -> Status {
        Status::UnusableInput
    }
}

impl HasStatus for NoLinux {
    fn status(&self) -> Status {
        match self {
            NoLinux::Image(error) => error.status(),
            // There may be further reasons.
            _ => Status::CouldNotTell,
        }
    }
}

impl HasStatus for VmError {
    fn status(&self) -> Status {
        match self {
            VmError::Load(_) | VmError::Text(_) => Status::UnusableInput,
            // New kinds of refusal by the host may be added.
            _ => Status::CouldNotTell,
        }
    }
}

impl HasStatus for OpenError {
    fn status(&self) -> Status {
        Status::CouldNotTell
    }
}

impl HasStatus for ResultsError {
    fn status(&self) -> Status {
        match self {
            ResultsError::File { .. } => Status::CouldNotTell,
            ResultsError::Read { .. } | ResultsError::NoResult { .. } | ResultsError::None { .. } => {
                Status::UnusableInput
            }
        }
    }
}
