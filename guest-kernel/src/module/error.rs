//! Why a module is not loaded.

use core::fmt;

use super::name::Name;
use crate::errno::Errno;
use crate::mm::OutOfMemory;

/// What is wrong, as the log says it; the caller gets an error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadError<'a> {
    /// The identification, the type or the machine is another.
    NotAnObject,
    /// A part of the object is not in the file.
    CutOff {
        part: &'static str,
    },
    /// A section's header says what the kernel does not do.
    BadSection {
        index: usize,
        problem: &'static str,
    },
    /// The module does not describe itself, or not as it should.
    BadInfo {
        problem: &'static str,
    },
    /// It was built for another list of exports.
    OtherVersion {
        found: u64,
    },
    /// There is a module of that name.
    AlreadyLoaded,
    /// More memory than a module may have.
    TooLarge,
    /// Nothing of that name is offered to modules.
    UnknownSymbol {
        name: &'a [u8],
    },
    /// A symbol lies nowhere.
    BadSymbol {
        index: u32,
    },
    /// A relocation of a kind that the kernel does not do.
    UnknownRelocation {
        kind: u32,
    },
    /// A relocation of something that is not in its section.
    RelocationOutside {
        kind: u32,
        offset: u64,
    },
    /// The address does not fit where it is to go.
    RelocationOverflow {
        kind: u32,
        offset: u64,
    },
    OutOfMemory,
    /// What its init function returned.
    InitFailed {
        error: Errno,
    },
}

/// Most bytes of a symbol's name that the log shows.
const SHOWN_BYTES: usize = 64;

impl LoadError<'_> {
    pub(super) fn errno(self) -> Errno {
        match self {
            Self::NotAnObject
            | Self::CutOff { .. }
            | Self::BadSection { .. }
            | Self::BadInfo { .. }
            | Self::OtherVersion { .. }
            | Self::TooLarge
            | Self::BadSymbol { .. }
            | Self::UnknownRelocation { .. }
            | Self::RelocationOutside { .. }
            | Self::RelocationOverflow { .. } => Errno::ENOEXEC,
            Self::AlreadyLoaded => Errno::EEXIST,
            Self::UnknownSymbol { .. } => Errno::ENOENT,
            Self::OutOfMemory => Errno::ENOMEM,
            Self::InitFailed { error } => error,
        }
    }

    /// Writes the reason to the log, and gives the error number.
    pub(super) fn report(self, name: Option<Name>) -> Errno {
        match name {
            Some(name) => crate::log::line(format_args!("module {name} is refused: {self}")),
            None => crate::log::line(format_args!("module is refused: {self}")),
        }
        self.errno()
    }
}

impl From<OutOfMemory> for LoadError<'_> {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl fmt::Display for LoadError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotAnObject => f.write_str("not a relocatable object for x86-64"),
            Self::CutOff { part } => write!(f, "its {part} does not lie in the file: cut off?"),
            Self::BadSection { index, problem } => write!(f, "section {index} {problem}"),
            Self::BadInfo { problem } => write!(f, "its section {} {problem}", abi::module::INFO_SECTION),
            Self::OtherVersion { found } => write!(
                f,
                "built for version {found} of the kernel's exports, expected {}",
                abi::module::EXPORTS_VERSION
            ),
            Self::AlreadyLoaded => f.write_str("a module of this name is loaded already"),
            Self::TooLarge => write!(f, "larger than {} bytes", super::layout::MAX_BYTES),
            Self::UnknownSymbol { name } => {
                let shown = &name[..name.len().min(SHOWN_BYTES)];
                write!(f, "unknown symbol `{}`", shown.escape_ascii())
            }
            Self::BadSymbol { index } => write!(f, "symbol {index} lies nowhere"),
            Self::UnknownRelocation { kind } => write!(f, "unknown relocation type {kind}"),
            Self::RelocationOutside { kind, offset } => {
                write!(
                    f,
                    "relocation type {kind} at offset {offset:#x} passes the end of its section"
                )
            }
            Self::RelocationOverflow { kind, offset } => {
                write!(
                    f,
                    "relocation type {kind} at offset {offset:#x} has no room for its address"
                )
            }
            Self::OutOfMemory => f.write_str("no memory"),
            Self::InitFailed { error } => write!(f, "its init function returned {error}"),
        }
    }
}
