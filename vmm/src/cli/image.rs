//! `vmm image`: the guest image by itself.

use std::ffi::OsString;

use clap::{Args, Subcommand, ValueEnum};
use vmm::image::{self, ImageKind};

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
    Build {
        /// Compile the kernel's deliberate faults in (for tests).
        #[arg(long)]
        mutants: bool,
    },
    /// Run cargo for guest crates with the target, flags and sysroot that it needs.
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
