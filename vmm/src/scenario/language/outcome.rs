//! How operations and processes end.

use std::borrow::Cow;
use std::sync::LazyLock;

use abi::linux::errno::errno_name;
use abi::linux::process::{SIGCHLD, SIGCONT, SIGSTOP, WAIT_EXIT_SHIFT, signal_name};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, IntoDeserializer};
use serde::{Deserialize, Deserializer};

/// Past the largest number of an error or a signal that has a name in `abi`.
const NUMBERS_END: u16 = 256;

/// What an operation's result should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The call returns no error; a memory access completes.
    Success,
    /// The call fails.
    Refused(Refusal),
    /// The memory access ends the process with this signal.
    Fault(Signal),
}

/// With which error a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This one.
    With(Errno),
    /// Whichever: what is specified does not name one.
    Any,
}

impl Refusal {
    /// Whether a call that fails with the error of this number fails as it is meant to.
    #[must_use]
    pub fn admits(self, number: i32) -> bool {
        match self {
            Refusal::With(errno) => errno.number() == number,
            Refusal::Any => true,
        }
    }
}

/// How [`Refusal::Any`] is spelled.
const ANY: &str = "any";

impl<'de> Deserialize<'de> for Refusal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Refusal, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == ANY {
            return Ok(Refusal::Any);
        }
        Errno::deserialize(name.into_deserializer()).map(Refusal::With)
    }
}

impl JsonSchema for Refusal {
    fn schema_name() -> Cow<'static, str> {
        "Refusal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = ERRNO_NAMES.iter().copied().chain([ANY]).collect();
        json_schema!({
            "description": "An error number by its Linux name, or `any` where none is specified.",
            "type": "string",
            "enum": names
        })
    }
}

/// When an operation's result is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// Before the next step.
    AtOnce,
    /// When a later `finish` step collects it: the call has to wait.
    Later,
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It exits with this status, 0 to 255.
    Exit(u8),
    /// This signal ends it.
    Signal(Signal),
}

impl Ending {
    /// The wait status with which Linux describes it.
    #[must_use]
    pub fn wait_status(self) -> u32 {
        match self {
            Ending::Exit(status) => u32::from(status) << WAIT_EXIT_SHIFT,
            Ending::Signal(signal) => signal.number(),
        }
    }
}

/// The keys with which an operation step says that something other than success is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum OutcomeKey {
    Errno,
    Fault,
    Blocks,
}

impl OutcomeKey {
    pub(in crate::scenario) const ALL: [Self; 3] = [Self::Errno, Self::Fault, Self::Blocks];

    /// Those that make sense for the operation of this name.
    pub(in crate::scenario) fn of(operation: &str) -> &'static [Self] {
        match operation {
            "mmap"
            | "munmap"
            | "mprotect"
            | "madvise"
            | "brk"
            | "fork"
            | "fork_until"
            | "exec"
            | "execve"
            | "kill"
            | "pagemap"
            | "copy_to_user"
            | "copy_from_user"
            | "mem_write"
            | "mem_read"
            | "setuid"
            | "fail_nth"
            | "shadowpt_open"
            | "shadowpt_close"
            | "shadowpt_start"
            | "shadowpt_stop"
            | "shadowpt_page_contents" => &[Self::Errno],
            "read" | "write" | "touch_stack" => &[Self::Fault],
            "wait" => &[Self::Errno, Self::Blocks],
            "sleep" | "spin" => &[Self::Blocks],
            _ => &[],
        }
    }

    /// The key that the operation of this name cannot do without: `fork_until` goes on until it is refused, and `spin` never
    /// comes back.
    pub(in crate::scenario) fn required_by(operation: &str) -> Option<Self> {
        match operation {
            "fork_until" => Some(Self::Errno),
            "spin" => Some(Self::Blocks),
            _ => None,
        }
    }

    pub(in crate::scenario) fn key(self) -> &'static str {
        match self {
            Self::Errno => "errno",
            Self::Fault => "fault",
            Self::Blocks => "blocks",
        }
    }
}

/// Declares a type for the numbers that `abi` has a Linux name for.
macro_rules! linux_name {
    ($(#[doc = $doc:literal])* $type:ident: $number:ty, $name_of:ident, $names:ident) => {
        static $names: LazyLock<Vec<&'static str>> =
            LazyLock::new(|| (0..NUMBERS_END).filter_map(|number| $name_of(number.into())).collect());

        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $type($number);

        impl $type {
            /// Linux's number for it.
            #[must_use]
            pub fn number(self) -> $number {
                self.0
            }

            /// Linux's name for it.
            #[must_use]
            pub fn name(self) -> &'static str {
                $name_of(self.0).expect("made from a name alone")
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                let number = (0..NUMBERS_END).map(Into::into).find(|number| $name_of(*number) == Some(&name));
                number.map(Self).ok_or_else(|| Error::unknown_variant(&name, $names.as_slice()))
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let description = concat!($($doc),*).trim();
                json_schema!({ "description": description, "type": "string", "enum": *$names })
            }
        }
    };
}

linux_name! {
    /// An error number by its Linux name.
    Errno: i32, errno_name, ERRNO_NAMES
}
linux_name! {
    /// A signal by its Linux name.
    Signal: u32, signal_name, SIGNAL_NAMES
}

impl Signal {
    /// What it does to a process without handlers (`signal(7)`).
    #[must_use]
    pub fn default_action(self) -> DefaultAction {
        match self.0 {
            SIGCHLD | SIGCONT => DefaultAction::Ignore,
            SIGSTOP => DefaultAction::Stop,
            _ => DefaultAction::End,
        }
    }
}

/// What a signal does to a process that has no handler for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// The process ends.
    End,
    /// Nothing.
    Ignore,
    /// The process stops until it is told to go on.
    Stop,
}
