//! A guest image as one file, for machines that have no sources to build one from.

use std::path::Path;

use super::{GuestImage, INITRD, ImageError, KERNEL, PROGRAMS, kept, program_files};
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
        let name = results::sha256(file, Links::Followed)?;
        kept::image(&cache.join("packed"), &name, |work| {
            packed::unpack(file, work)?;
            GuestImage::at(work).map_err(|error| match error {
                ImageError::Incomplete { missing, .. } => ImageError::Incomplete {
                    dir: file.to_owned(),
                    missing,
                },
                other => other,
            })?;
            Ok(())
        })
    }
}
