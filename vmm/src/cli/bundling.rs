//! `vmm run --bundle`: what did not pass, with all that is needed to run it again.

use std::path::Path;

use vmm::bundle::{self, BundledRun, Conditions};
use vmm::image::GuestImage;
use vmm::printable::Printable;
use vmm::report::text::count;

use super::{Shown, Status, show_failure};

/// A bundle is written when everything has been run: that there is no folder for it is said before.
pub(super) fn find_folder_of(bundle: &Path) -> Result<(), Shown> {
    let folder = bundle.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => {
            let [bundle, folder] = [bundle, folder].map(|path| Printable::from(path.display().to_string()));
            eprintln!("error: cannot write the bundle {bundle}: there is no folder {folder}");
            Err(Shown(Status::UnusableInput))
        }
        Some(_) | None => Ok(()),
    }
}

/// Writes the runs that did not pass. Without one there is nothing to write, and an old file stays as it is.
pub(super) fn write(
    to: &Path,
    image: &GuestImage,
    conditions: &Conditions,
    runs: &[BundledRun],
) -> Result<(), Shown> {
    if runs.is_empty() {
        eprintln!(
            "no bundle to write to {}: everything that was run has passed",
            to.display()
        );
        return Ok(());
    }
    bundle::write(to, image, conditions, runs).map_err(|error| show_failure(&error))?;
    let runs = count(runs.len(), "run");
    eprintln!("wrote {runs} to {}; `vmm replay` makes them again", to.display());
    Ok(())
}
