//! What a guest is: a description, and the files that are booted.
//!
//! The rest of the VMM knows no kernel by name. What it must know of one stands in its [`Description`]: above all what the kernel
//! [promises](crate::promise) to report. Steps, expectations, options and rules name the report that they [need](needs); what a guest does
//! not promise is refused before it is booted, or listed as not judged, and what it promises and does not send is missing evidence.
//!
//! - [`Description`]: what is known of a kernel, ours or one that a file describes
//! - [`needs`]: what a scenario needs of its guest
//! - [`ProgramText`]: the code of a program
//! - [`ringside`]: this project's own kernel; [`linux`]: a Linux of a distribution
//! - `command_line`: what the kernel is told

mod command_line;
mod description;
pub mod linux;
pub mod needs;
pub mod ringside;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use abi::boot::AGENT_PATH;
use serde::{Deserialize, Serialize};

use crate::image::GuestImage;
use crate::machine::Machine;
use crate::scenario::{Clock, Operation, Scenario, Step};
pub(crate) use command_line::{command_line, shadowpt_base};
pub use description::{Description, DescriptionError, PowerOff};
pub use text::{ProgramText, TextError};

/// Why there is no guest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuestError {
    /// There is no kernel at all.
    #[error("no kernel for this guest: its description names none; name one with --kernel")]
    NoKernel,
    /// The archive cannot be read.
    #[error(transparent)]
    Programs(#[from] TextError),
}

/// A guest that can be booted.
#[derive(Clone, Debug)]
pub struct Guest {
    /// What is known of its kernel.
    pub description: Description,
    /// ELF file.
    pub kernel: PathBuf,
    /// newc archive of its programs.
    pub initrd: PathBuf,
    /// The code of the one of them that may ask for operations; None when there is none.
    pub agent: Option<ProgramText>,
    /// Names of the modules among them that are this project's.
    pub modules: Vec<String>,
    /// Words for the kernel command line besides the scenario's own, such as `mutant=cow-copies-wrong-frame`.
    pub options: Vec<String>,
    /// How many times longer than usual the host may take, at least 1.
    pub slow: u32,
    /// By what to draw the contents that scenarios write and expect; None for those of their files.
    pub seed: Option<u64>,
    /// What is recorded of its runs, beside what every report tells.
    pub record: Record,
    /// How further runs of it begin.
    pub exploring: Exploring,
}

/// How the further schedules of an exploration begin, and the further runs of a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exploring {
    /// A guest is booted for each.
    #[default]
    Anew,
    /// The process forks, for schedules where they differ and for runs from a guest that has booted, if the machine allows it. For a process
    /// in which nothing else goes on.
    Branching,
}

/// What is recorded of a run, beside what every report tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What the named memory of processes is like after each step.
    pub memory: bool,
    /// What the kernel does, function by function, in this stretch of the run.
    pub kernel: Option<Stretch>,
    /// What is told of the functions that are in others when the kernel is followed.
    pub inlining: Inlining,
    /// All of memory after each line of the report, in a file in the run's folder.
    pub snapshots: bool,
    /// What the agents answered, for comparison with another kernel.
    pub claims: bool,
}

/// Whether functions that the compiler has put into others are told of where the kernel is followed. They are many: twenty for each that is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inlining {
    /// They are not: their instructions are those of the function that was called.
    #[default]
    Untold,
    /// They are, as far as the kernel's debug information knows them.
    Told,
}

impl Inlining {
    /// Whether somebody wants to know of them.
    #[must_use]
    pub fn of(is_wanted: bool) -> Inlining {
        if is_wanted {
            Inlining::Told
        } else {
            Inlining::Untold
        }
    }
}

/// A stretch of a run in which the kernel is followed, which takes it some twenty times as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stretch {
    /// All of it.
    Boot,
    /// All that comes after booting.
    Steps,
    /// One step: its number, from 1.
    Step(usize),
}

impl Record {
    /// Nothing.
    pub const NOTHING: Record = Record {
        memory: false,
        kernel: None,
        inlining: Inlining::Untold,
        snapshots: false,
        claims: false,
    };
    /// What the agents answered.
    pub const CLAIMS: Record = Record {
        claims: true,
        ..Record::NOTHING
    };
    /// Memory after each step.
    pub const MEMORY: Record = Record {
        memory: true,
        ..Record::NOTHING
    };
    /// All of memory after each line of the report.
    pub const SNAPSHOTS: Record = Record {
        snapshots: true,
        ..Record::NOTHING
    };

    /// The kernel in a stretch of the run.
    #[must_use]
    pub fn kernel(stretch: Stretch) -> Record {
        Record {
            kernel: Some(stretch),
            ..Record::NOTHING
        }
    }
}

impl Guest {
    /// A guest of these files, or of those that its description names.
    ///
    /// # Errors
    /// There is no kernel for the machine, or the archive of programs cannot be read.
    pub fn new(
        description: Description,
        image: &GuestImage,
        options: &[String],
    ) -> Result<Guest, GuestError> {
        // That of the image needs no more than a bare machine.
        if description.kernel.is_none() && description.machine == Machine::Pc {
            return Err(GuestError::NoKernel);
        }
        let (kernel, initrd) = description.files(image);
        let (kernel, initrd) = (kernel.to_owned(), initrd.to_owned());
        Ok(Guest {
            agent: ProgramText::read(&initrd, AGENT_PATH)?,
            modules: image.modules.clone(),
            options: description.options.iter().chain(options).cloned().collect(),
            description,
            kernel,
            initrd,
            slow: 1,
            record: Record::NOTHING,
            exploring: Exploring::Anew,
            seed: None,
        })
    }

    /// Memory of its machine in MiB: what the scenario says, or as much as the kernel needs.
    #[must_use]
    pub fn memory_mib(&self, scenario: &Scenario) -> u64 {
        scenario.guest.memory_mib.max(self.description.memory_mib)
    }

    /// How time passes in its machine.
    #[must_use]
    pub fn clock(&self, scenario: &Scenario) -> Clock {
        self.description.machine.clock(scenario.guest.clock)
    }

    /// The code of the programs that `scenario` runs for their output, and of those that they start, by name.
    ///
    /// # Errors
    /// The archive of programs cannot be read.
    pub fn texts(&self, scenario: &Scenario) -> Result<BTreeMap<String, ProgramText>, TextError> {
        let mut programs = BTreeSet::new();
        for step in &scenario.steps {
            if let Step::Operation(step) = step
                && let Operation::Exec { program, starts, .. } = &step.operation
            {
                programs.insert(program.as_str());
                programs.extend(starts.iter().map(String::as_str));
            }
        }
        if programs.is_empty() {
            return Ok(BTreeMap::new());
        }
        ProgramText::read_all(&self.initrd, &programs)
    }

    /// The same for a host that may take so many times longer than usual.
    #[must_use]
    pub fn on_a_slow_host(self, slow: u32) -> Guest {
        Guest { slow, ..self }
    }

    /// The same with something recorded.
    #[must_use]
    pub fn recording(self, record: Record) -> Guest {
        Guest { record, ..self }
    }

    /// The same with schedules explored in this way.
    #[must_use]
    pub fn exploring(self, exploring: Exploring) -> Guest {
        Guest { exploring, ..self }
    }

    /// The same for scenarios whose contents are drawn by this seed, if there is one.
    #[must_use]
    pub fn with_contents_drawn_by(self, seed: Option<u64>) -> Guest {
        Guest { seed, ..self }
    }
}
