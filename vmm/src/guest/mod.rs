//! What a guest is: a description, and the files that are booted.
//!
//! The rest of the VMM knows no kernel by name. What it must know of one stands in its [`Description`]: above all what the kernel
//! [promises](crate::promise) to report. Steps, expectations, options and rules name the report that they [need](needs); what a guest does
//! not promise is refused before it is booted, or listed as not judged, and what it promises and does not send is missing evidence.
//!
//! - [`Description`]: what is known of a kernel, ours or one that a file describes
//! - [`needs`]: what a scenario needs of its guest; [`Offer`]: what not every kernel has
//! - [`ProgramText`]: the code of a program
//! - [`ringside`]: this project's own kernel; [`linux`]: a Linux of a distribution
//! - `command_line`: what the kernel is told

mod command_line;
mod description;
pub mod linux;
pub mod needs;
mod offer;
pub mod ringside;
mod text;

use std::path::PathBuf;

use abi::boot::AGENT_PATH;

use crate::image::{self, GuestImage, ImageError};
use crate::kernel_file::{self, KernelFileError};
use crate::machine::Machine;
pub(crate) use command_line::command_line;
pub use description::{Description, DescriptionError, PowerOff};
pub use offer::{Offer, Offers};
pub use text::{ProgramText, TextError};

/// Why there is no guest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuestError {
    /// The kernel's file cannot be used.
    #[error(transparent)]
    Kernel(#[from] KernelFileError),
    /// There is no kernel at all.
    #[error("no kernel for this guest: its description names none; name one with --kernel")]
    NoKernel,
    /// The archive cannot be read.
    #[error(transparent)]
    Programs(#[from] TextError),
    /// There is no place for what is unpacked.
    #[error(transparent)]
    Image(#[from] ImageError),
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
    /// Words for the kernel command line besides the scenario's own, such as `mutant=cow-copies-wrong-frame`.
    pub options: Vec<String>,
    /// How many times longer than usual the host may take, at least 1.
    pub slow: u32,
}

impl Guest {
    /// A guest of these files, or of those that its description names.
    ///
    /// # Errors
    /// The kernel's file is none, there is none for the machine, or the archive of programs cannot be read.
    pub fn new(
        description: Description,
        image: &GuestImage,
        options: &[String],
    ) -> Result<Guest, GuestError> {
        let kernel = match (&description.kernel, description.machine) {
            (Some(kernel), _) => kernel_file::unpacked(kernel, &image::cache()?)?,
            (None, Machine::Bare) => image.kernel.clone(),
            (None, Machine::Pc) => return Err(GuestError::NoKernel),
        };
        let initrd = description.initrd.as_ref().unwrap_or(&image.initrd).clone();
        Ok(Guest {
            agent: ProgramText::read(&initrd, AGENT_PATH)?,
            options: description.options.iter().chain(options).cloned().collect(),
            description,
            kernel,
            initrd,
            slow: 1,
        })
    }

    /// The same for a host that may take so many times longer than usual.
    #[must_use]
    pub fn on_a_slow_host(self, slow: u32) -> Guest {
        Guest { slow, ..self }
    }
}
