//! A command in an emulated machine: the same call, with its files.

use std::env;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vmm::guest::{Description, Guest};
use vmm::image::{self, GuestImage};
use vmm::platform::{Emulation, EmulationError, Reason};
use vmm::report::JudgedFile;

use super::guest::GuestArgs;
use super::jobs::when_interrupted;
use super::{Shown, Status, show_failure};

/// Says that the call is made in an emulated machine, and why.
pub(super) fn announce(reason: &Reason) {
    eprintln!("running in an emulated machine, which is slow, {reason}");
}

/// Makes the call in an emulated machine, with these files that it names.
pub(super) fn run(
    args: &GuestArgs,
    files: &[PathBuf],
    image: &GuestImage,
    description: Description,
) -> Result<Status, Shown> {
    let brings_kernel = description.kernel.is_some();
    let (kernel, programs) = description.files(image);
    // An emulated processor would take seconds for a Linux.
    let hashed: Result<Vec<JudgedFile>, _> =
        [kernel, programs].map(JudgedFile::of_guest).into_iter().collect();
    let hashed = hashed.map_err(|error| show_failure(&error))?;
    let guest = Guest::new(description, image, &[]).map_err(|error| show_failure(&error))?;
    let emulation = call(args, files, image, brings_kernel.then_some(&guest), &hashed);
    run_to_end(emulation.map_err(|error| show_failure(&error))?, args.slow)
}

/// Runs a machine until it has ended or somebody interrupts the command.
pub(super) fn run_to_end(emulation: Emulation, slow: u32) -> Result<Status, Shown> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let interrupt = Arc::clone(&interrupted);
    when_interrupted(move || interrupt.store(true, Ordering::Relaxed))?;
    let status = emulation.run(slow, &interrupted, &*image::to_stderr());
    Ok(Status::of_code(status.map_err(|error| show_failure(&error))?))
}

/// The call, with all that it reads. What is made here of files is handed over by name, so that nothing is made there.
fn call(
    args: &GuestArgs,
    files: &[PathBuf],
    image: &GuestImage,
    other_guest: Option<&Guest>,
    hashed: &[JudgedFile],
) -> Result<Emulation, EmulationError> {
    let image_dir = image.kernel.parent().unwrap_or(Path::new("/"));
    let mut arguments: Vec<String> = env::args_os().skip(1).map(text).collect();
    arguments.extend(["--platform".to_owned(), "kvm".to_owned()]);
    arguments.extend(["--added".to_owned(), "--image".to_owned(), text(image_dir)]);
    if let Some(guest) = other_guest {
        arguments.extend(["--kernel".to_owned(), text(&guest.kernel)]);
        // What is known by the files beside the kernel, which stay here.
        for offer in guest.description.offers.all() {
            arguments.extend(["--offers".to_owned(), offer.name().to_owned()]);
        }
    }
    for file in hashed {
        arguments.extend(["--hashed".to_owned(), file.in_words()]);
    }
    let mut emulation = Emulation::of(arguments)?
        .with_variable("RINGSIDE_WORKSPACE", "/")
        .with_variable("RINGSIDE_CACHE", "/tmp");
    emulation = match io::stdout().is_terminal() {
        true => emulation.with_variable("TERM", &env::var("TERM").unwrap_or_default()),
        false => emulation.with_variable("NO_COLOR", "1"),
    };
    emulation.add(image_dir)?;
    for file in files {
        emulation.add(file)?;
    }
    if let Some(guest) = other_guest {
        emulation.add(&guest.kernel)?;
        emulation.add(&guest.initrd)?;
    }
    if let Some(file) = args.file() {
        emulation.add(file)?;
    }
    Ok(emulation)
}

fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().to_string_lossy().into_owned()
}
