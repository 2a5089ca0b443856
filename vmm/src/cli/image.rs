//! `vmm image`: the guest image by itself.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use vmm::image::{self, GuestImage, ImageKind};

use super::{Shown, Status, print_line, shipped, show_failure};

/// What to do about the image.
#[derive(Args)]
pub(super) struct ImageArgs {
    #[command(subcommand)]
    command: ImageCommand,
}

#[derive(Subcommand)]
enum ImageCommand {
    /// Build the image if its sources have changed, and print its directory.
    #[command(after_help = "\
Examples:
  vmm image build                     build it, and say where it is
  ls \"$(vmm image build)/programs\"    the programs in it")]
    Build {
        /// Compile the kernel's deliberate faults in (for tests).
        #[arg(long)]
        mutants: bool,
    },
    /// Write the image to one file (tar.zst), for machines that have no sources: `--image FILE` takes it.
    #[command(after_help = "\
Examples:
  vmm image pack guest.tar.zst                 the image of this workspace, built first if need be
  vmm run --image guest.tar.zst scenarios      on another machine")]
    Pack {
        /// Where to.
        file: PathBuf,
        /// Pack this image, a directory with `kernel`, `initrd` and `programs`, instead of building one.
        #[arg(long, value_name = "DIR")]
        image: Option<PathBuf>,
    },
    /// Run cargo for guest crates with the target, flags and sysroot that it needs.
    #[command(after_help = "\
Examples:
  vmm image cargo kernel -- clippy --release -p guest-kernel
  vmm image cargo user -- build --release -p guest-user")]
    Cargo {
        /// Which of them.
        #[arg(value_enum)]
        guest_crate: GuestCrate,
        /// Arguments for cargo, such as `clippy -p guest-kernel`.
        #[arg(required = true, last = true)]
        arguments: Vec<OsString>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum GuestCrate {
    /// The kernel.
    Kernel,
    /// The user programs.
    User,
    /// The loadable modules and the crate that they are written with.
    Modules,
}

pub(super) fn image(args: &ImageArgs) -> Result<Status, Shown> {
    let progress = image::to_stderr();
    match &args.command {
        ImageCommand::Build { mutants } => {
            let kind = if *mutants {
                ImageKind::Mutants
            } else {
                ImageKind::Shipped
            };
            let image = shipped::image(kind).map_err(|error| show_failure(&error))?;
            let dir = image
                .kernel
                .parent()
                .map_or_else(String::new, |dir| dir.display().to_string());
            print_line(&dir)?;
            Ok(Status::Passed)
        }
        ImageCommand::Pack { file, image } => {
            let image = match image {
                Some(dir) => GuestImage::at(dir),
                None => shipped::image(ImageKind::Shipped),
            };
            let image = image.map_err(|error| show_failure(&error))?;
            image.pack(file).map_err(|error| show_failure(&error))?;
            Ok(Status::Passed)
        }
        ImageCommand::Cargo {
            guest_crate,
            arguments,
        } => {
            let guest_crate = match guest_crate {
                GuestCrate::Kernel => image::GuestCrate::Kernel,
                GuestCrate::User => image::GuestCrate::User,
                GuestCrate::Modules => image::GuestCrate::Modules,
            };
            let status = image::run_guest_cargo(guest_crate, arguments, &*progress)
                .map_err(|error| show_failure(&error))?;
            Ok(if status.success() {
                Status::Passed
            } else {
                Status::DoesNotBuild
            })
        }
    }
}
