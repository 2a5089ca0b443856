//! A guest image as one file, for machines that have no sources to build one from.

use std::fs;
use std::path::Path;

use super::{GuestImage, INITRD, ImageError, KERNEL, PROGRAMS, program_files};
use crate::packed::{self, PackedError, Packer};
use crate::regular_file::Links;
use crate::results::{self, ResultsError};

/// A packed image cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The file is none.
    #[error(transparent)]
    Packed(#[from] PackedError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ResultsError),
    /// What is in it is no image, or there is no place for it.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl GuestImage {
    /// Writes the image to one file.
    ///
    /// # Errors
    /// A file of it cannot be read, or the file not written.
    pub fn pack(&self, to: &Path) -> Result<(), PackError> {
        let mut packer = Packer::default();
        packer.add_file(KERNEL, &self.kernel)?;
        packer.add_file(INITRD, &self.initrd)?;
        for (name, path) in program_files(&self.program_dir)? {
            packer.add_file(&format!("{PROGRAMS}/{name}"), &path)?;
        }
        Ok(packer.write(to)?)
    }

    /// The image in a file that [`pack`](GuestImage::pack) wrote, unpacked below the folder `cache` if it is not there yet.
    ///
    /// # Errors
    /// The file is none, or cannot be unpacked.
    pub fn packed(file: &Path, cache: &Path) -> Result<GuestImage, PackError> {
        let folder = cache.join("packed");
        let unpacked = folder.join(results::sha256(file, Links::Followed)?);
        if let Ok(image) = GuestImage::at(&unpacked) {
            return Ok(image);
        }
        fs::create_dir_all(&folder).map_err(ImageError::file("create", &folder))?;
        // A call that is ended meanwhile, or that unpacks the same, leaves no half of it under the final name.
        let work = tempfile::tempdir_in(&folder).map_err(ImageError::file("create", &folder))?;
        packed::unpack(file, work.path())?;
        GuestImage::at(work.path()).map_err(|error| match error {
            ImageError::Incomplete { missing, .. } => ImageError::Incomplete {
                dir: file.to_owned(),
                missing,
            },
            other => other,
        })?;
        let work = work.keep();
        match fs::rename(&work, &unpacked) {
            Ok(()) => {}
            Err(_) if unpacked.is_dir() => {
                let _ = fs::remove_dir_all(&work);
            }
            Err(error) => return Err(ImageError::file("rename", &work)(error).into()),
        }
        Ok(GuestImage::at(&unpacked)?)
    }
}
