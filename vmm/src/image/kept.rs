//! Images that are made once of files, and kept below a folder of the cache.

use std::fs;
use std::path::Path;

use super::build::publish;
use super::{GuestImage, ImageError};

/// The image of that name in `folder`, which `make` writes into a directory first if it is not there yet.
///
/// # Errors
/// It cannot be made, or there is no place for it.
pub(super) fn image<E: From<ImageError>>(
    folder: &Path,
    name: &str,
    make: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<GuestImage, E> {
    let place = folder.join(name);
    if let Ok(image) = GuestImage::at(&place) {
        return Ok(image);
    }
    fs::create_dir_all(folder).map_err(ImageError::file("create", folder))?;
    // A call that is ended meanwhile, or that makes the same, leaves no half of it under the final name.
    let work = tempfile::tempdir_in(folder).map_err(ImageError::file("create", folder))?;
    make(work.path())?;
    let work = work.keep();
    if fs::rename(&work, &place).is_err() {
        if let Ok(image) = GuestImage::at(&place) {
            // Another call was faster, and its image is as good.
            let _ = fs::remove_dir_all(&work);
            return Ok(image);
        }
        publish(&work, &place)?;
    }
    Ok(GuestImage::at(&place)?)
}
