//! Which guest, and how it is run: the same for every command that runs one.

use std::path::{Path, PathBuf};

use clap::Args;
use vmm::guest::{Description, linux, ringside};
use vmm::image::{self, Added, AddedError, GuestImage, ImageKind};
use vmm::offer::Offer;
use vmm::platform::Platform;

use super::{Shown, shipped, show, show_failure};

/// The name of this project's own guest.
const RINGSIDE: &str = "ringside";
/// The name of a distribution's Linux.
const LINUX: &str = "linux";

/// A guest.
#[derive(Args)]
pub(super) struct GuestArgs {
    /// Use this guest image instead of building one: a directory with `kernel`, `initrd` and `programs`, or a file that `vmm image pack`
    /// has written.
    #[arg(long, value_name = "IMAGE", overrides_with = "image")]
    image: Option<PathBuf>,
    /// Which guest: `ringside`, this project's own; `linux`, a distribution's; or a file that describes another one (see
    /// `docs/guests.md`).
    #[arg(long, value_name = "GUEST", default_value = RINGSIDE)]
    guest: String,
    /// The guest's kernel: an ELF file (`vmlinux`), or a bzImage of one (`vmlinuz`).
    #[arg(long, value_name = "FILE", overrides_with = "kernel")]
    kernel: Option<PathBuf>,
    /// Add a word to the kernel command line.
    #[arg(long = "option", value_name = "KEY=VALUE")]
    pub(super) options: Vec<String>,
    /// What the kernel offers beyond what its description says: `options`, for a kernel that knows those of the scenarios, or another name
    /// of `docs/guests.md`. May be given more than once.
    #[arg(long, value_name = "NAME", value_parser = Offer::named)]
    offers: Vec<Offer>,
    /// Add a file to the guest's archive, or a folder with all that is in it: modules, programs, data. In the guest it lies at the root
    /// under its own name, or where GUEST_PATH says.
    #[arg(long, value_name = "PATH[:GUEST_PATH]")]
    add: Vec<Added>,
    /// What `--add` names is in the image already.
    #[arg(long, hide = true, overrides_with = "add")]
    pub(super) added: bool,
    /// Give the host N times as long. A guest's own budget, its processor time, stays the same: this is for machines on which a run
    /// ends as broken because the host is too slow, or on which servers of the host take longer than a scenario's `answer_ms`.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) slow: u32,
}

impl GuestArgs {
    /// The file that describes the guest, if one does.
    pub(super) fn file(&self) -> Option<&Path> {
        match self.guest.as_str() {
            RINGSIDE | LINUX => None,
            file => Some(Path::new(file)),
        }
    }

    /// The words of a command line that name it.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.guest != RINGSIDE {
            words.extend(["--guest".to_owned(), self.guest.clone()]);
        }
        if let Some(kernel) = &self.kernel {
            words.extend(["--kernel".to_owned(), kernel.display().to_string()]);
        }
        if let Some(image) = &self.image {
            words.extend(["--image".to_owned(), image.display().to_string()]);
        }
        for added in &self.add {
            words.extend(["--add".to_owned(), added.to_string()]);
        }
        for offer in &self.offers {
            words.extend(["--offers".to_owned(), offer.name().to_owned()]);
        }
        for option in &self.options {
            words.extend(["--option".to_owned(), option.clone()]);
        }
        words
    }

    pub(super) fn description(&self) -> Result<Description, Shown> {
        let mut description = match self.guest.as_str() {
            RINGSIDE => ringside::description(),
            LINUX => {
                let kernel = self
                    .kernel
                    .clone()
                    .map_or_else(|| linux::kernel(&*image::to_stderr()), Ok);
                linux::description(kernel.map_err(|error| show_failure(&error))?)
            }
            file => Description::read(Path::new(file)).map_err(|error| show(&error))?,
        };
        description.offers.add(&self.offers);
        let description = description.with_kernel(self.kernel.clone()).unpacked(&cache()?);
        description.map_err(|error| show(&error))
    }

    pub(super) fn image(&self, description: &Description) -> Result<GuestImage, Shown> {
        let image = self.image_as_it_is(description)?;
        // In an emulated machine the image has them already, and an archive of the guest's own has what that guest needs.
        let drivers = if self.added || description.initrd.is_some() {
            Vec::new()
        } else {
            description.driver_modules().map_err(|error| show(&error))?
        };
        if self.add.is_empty() && drivers.is_empty() {
            return Ok(image);
        }
        let with_files = match &description.initrd {
            Some(archive) => Err(AddedError::OtherArchive {
                archive: archive.clone(),
            }),
            None => image.with_files(&self.add, drivers, &cache()?),
        };
        with_files.map_err(|error| show(&error))
    }

    fn image_as_it_is(&self, description: &Description) -> Result<GuestImage, Shown> {
        let image = match &self.image {
            Some(file) if file.is_file() => {
                return GuestImage::packed(file, &cache()?).map_err(|error| show_failure(&error));
            }
            Some(dir) => GuestImage::at(dir),
            // A kernel that is named cannot be mistaken for another one.
            None if description.kernel.is_some() => image::ensure(ImageKind::Shipped, &*image::to_stderr()),
            None => shipped::image(ImageKind::Shipped),
        };
        image.map_err(|error| show_failure(&error))
    }
}

fn cache() -> Result<PathBuf, Shown> {
    image::cache().map_err(|error| show_failure(&error))
}

/// Where guests run.
#[derive(Args)]
pub(super) struct PlatformArgs {
    /// Where machines run: `kvm`, `emulated` (one machine that QEMU emulates in software, in which all of this is done), or `auto`: emulated where
    /// KVM is missing, or interprets kernel mode and the guest needs a processor.
    #[arg(
        long,
        value_name = "PLATFORM",
        default_value = "auto",
        overrides_with = "platform"
    )]
    pub(super) platform: Platform,
}
