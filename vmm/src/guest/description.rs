//! What is known of a kernel.

use std::fs;
use std::path::{Path, PathBuf};

use abi::linux::process::{LINUX_REBOOT_CMD_POWER_OFF, LINUX_REBOOT_CMD_RESTART};
use serde::{Deserialize, Serialize};

use crate::drive::Ends;
use crate::image::GuestImage;
use crate::inspect::struct_page::PageLayout;
use crate::kernel_file::{self, KernelFileError, Modules, ModulesError};
use crate::machine::Machine;
use crate::offer::{Offer, Offers};
use crate::promise::Promises;
use crate::vm::KernelImage;

/// What is known of a kernel: its name, what it promises to report, what it needs, and where its files are, if the description comes with
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// What people call it.
    pub name: String,
    /// What it promises to report.
    pub promises: Promises,
    /// What it offers beyond the system calls of an ordinary Linux.
    #[serde(default)]
    pub offers: Offers,
    /// The machine that it needs.
    #[serde(default)]
    pub machine: Machine,
    /// The least memory that it runs in, in MiB; a scenario that has less gets so much.
    #[serde(default)]
    pub memory_mib: u64,
    /// How many times as much effort, in exits and processor time, it may need as a scenario says.
    #[serde(default = "once")]
    pub effort: u32,
    /// The word of its command line that names its first program.
    #[serde(default = "agent_first")]
    pub init: String,
    /// What becomes of the frames that it was loaded into.
    #[serde(default)]
    pub kernel_image: KernelImage,
    /// How it lets it be known how processes end.
    #[serde(default)]
    pub ends: Ends,
    /// How it is told to end the machine.
    #[serde(default)]
    pub power_off: PowerOff,
    /// Whether it keeps a `struct page` for each frame, as a Linux does.
    #[serde(default)]
    pub struct_pages: bool,
    /// Where things are in it. Found in the kernel's file.
    #[serde(default)]
    pub page_layout: Option<PageLayout>,
    /// ELF file, or a bzImage of one. In a description that was read from a file, relative to the folder of that file.
    #[serde(default)]
    pub kernel: Option<PathBuf>,
    /// newc archive of programs, relative to the same folder; without it the programs of this project.
    #[serde(default)]
    pub initrd: Option<PathBuf>,
    /// The folder with the modules that were built with it. In a description that was read from a file, relative to the folder of that file.
    #[serde(default)]
    pub modules: Option<PathBuf>,
    /// Which of these modules the first program loads, with those that they need, where the machine has devices for them.
    #[serde(default)]
    pub drivers: Vec<String>,
    /// Functions of its own at which it begins to run when it comes from user mode for another reason than a system call or a page fault, at
    /// most two. Where [`trace`](crate::trace)s begin.
    #[serde(default)]
    pub ways_in: Vec<String>,
    /// Words for its command line.
    #[serde(default)]
    pub options: Vec<String>,
}

/// How a kernel ends the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PowerOff {
    /// It powers it off.
    #[default]
    PowerOff,
    /// It restarts it, which is the end too: for a kernel that knows no way to switch the power off.
    Restart,
}

impl PowerOff {
    /// The command of `reboot`.
    #[must_use]
    pub fn command(self) -> u64 {
        match self {
            PowerOff::PowerOff => LINUX_REBOOT_CMD_POWER_OFF,
            PowerOff::Restart => LINUX_REBOOT_CMD_RESTART,
        }
    }
}

pub(super) fn once() -> u32 {
    1
}

pub(super) fn agent_first() -> String {
    format!("{}={}", abi::boot::CMDLINE_INIT, abi::boot::AGENT_PATH)
}

/// A description that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptionError {
    /// The file cannot be read.
    #[error("cannot read the description of a guest in {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file describes no guest.
    #[error("{path} describes no guest")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
}

impl Description {
    /// The same with this kernel, if there is one.
    #[must_use]
    pub fn with_kernel(self, kernel: Option<PathBuf>) -> Description {
        Description {
            kernel: kernel.or(self.kernel),
            ..self
        }
    }

    /// The kernel and the archive of programs that are booted: its own, or else those of an image.
    #[must_use]
    pub fn files<'a>(&'a self, image: &'a GuestImage) -> (&'a Path, &'a Path) {
        let kernel = self.kernel.as_ref().unwrap_or(&image.kernel);
        (kernel, self.initrd.as_ref().unwrap_or(&image.initrd))
    }

    /// Contents of the drivers that it needs for the machine's devices, in the order in which they are loaded.
    ///
    /// # Errors
    /// One is not among its modules, or cannot be read.
    pub fn driver_modules(&self) -> Result<Vec<Vec<u8>>, ModulesError> {
        let Some(folder) = self.modules.as_ref().filter(|_| !self.drivers.is_empty()) else {
            return Ok(Vec::new());
        };
        let names: Vec<&str> = self.drivers.iter().map(String::as_str).collect();
        Modules::in_folder(folder).for_names(&names)
    }

    /// The same with its kernel as an ELF file, a bzImage being unpacked into the folder `cache`, and with what that file says of itself.
    ///
    /// # Errors
    /// The kernel's file is none.
    pub fn unpacked(self, cache: &Path) -> Result<Description, KernelFileError> {
        let kernel = self
            .kernel
            .as_deref()
            .map(|kernel| kernel_file::unpacked(kernel, cache));
        let kernel = kernel.transpose()?;
        let struct_pages = kernel.as_deref().filter(|_| self.struct_pages);
        let mut offers = self.offers;
        if kernel.as_deref().is_some_and(kernel_file::has_symbols) {
            // Of a distribution's kernel they come to light only now.
            offers.add(&[Offer::Symbols]);
        }
        Ok(Description {
            page_layout: struct_pages.and_then(kernel_file::page_layout),
            offers,
            kernel,
            ..self
        })
    }

    /// Reads a description, a TOML file such as
    ///
    /// ```toml
    /// name = "exercise 4"
    /// kernel = "build/kernel"
    /// promises = ["ends", "faults"]
    /// ```
    ///
    /// # Errors
    /// The file cannot be read, or says something else.
    pub fn read(path: &Path) -> Result<Description, DescriptionError> {
        let text = fs::read_to_string(path).map_err(|source| DescriptionError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut description: Description =
            toml::from_str(&text).map_err(|source| DescriptionError::Parse {
                path: path.to_owned(),
                source: Box::new(source),
            })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for file in [
            &mut description.kernel,
            &mut description.initrd,
            &mut description.modules,
        ]
        .into_iter()
        .flatten()
        {
            *file = folder.join(&*file);
        }
        Ok(description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promise::Promise;

    fn read(text: &str) -> Result<Description, DescriptionError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guest.toml");
        fs::write(&path, text).unwrap();
        let read = Description::read(&path);
        read.map(|description| Description {
            kernel: description
                .kernel
                .map(|kernel| kernel.strip_prefix(folder.path()).unwrap().to_owned()),
            ..description
        })
    }

    #[test]
    fn a_file_says_what_a_kernel_promises_and_where_it_is() {
        let description =
            read("name = 'mine'\nkernel = 'build/kernel'\npromises = ['ends', 'virtual-clock']").unwrap();
        assert_eq!(description.kernel.as_deref(), Some(Path::new("build/kernel")));
        assert!(description.promises.has(Promise::Ends) && !description.promises.has(Promise::Faults));
    }

    #[test]
    fn a_file_says_what_a_kernel_needs_and_offers_and_what_it_leaves_out_is_as_with_a_small_kernel() {
        let text = "name = 'mine'\npromises = []\nmachine = 'pc'\nends = 'waited'\nkernel_image = 'freed'\n\
            power_off = 'restart'\noffers = ['swap']";
        let description = read(text).unwrap();
        assert_eq!(description.machine, Machine::Pc);
        assert_eq!(description.ends, Ends::Waited);
        assert_eq!(description.kernel_image, KernelImage::Freed);
        assert_eq!(description.power_off.command(), LINUX_REBOOT_CMD_RESTART);
        assert!(description.offers.has(Offer::Swap) && !description.offers.has(Offer::Modules));
        let small = read("name = 'mine'\npromises = []").unwrap();
        assert_eq!(
            (small.machine, small.ends, small.effort),
            (Machine::Bare, Ends::Reported, 1)
        );
        assert!(small.offers.has(Offer::Modules));
        assert_eq!(small.init, "init=agent");
    }

    #[test]
    fn a_promise_that_there_is_not_and_a_key_that_nobody_knows_are_refused() {
        for wrong in [
            "name = 'mine'\npromises = ['heat']",
            "name = 'mine'\npromises = []\nkernal = 'x'",
        ] {
            let error = read(wrong).unwrap_err();
            assert!(matches!(error, DescriptionError::Parse { .. }), "{error:?}");
        }
    }
}
