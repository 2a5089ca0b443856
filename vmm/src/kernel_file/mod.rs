//! A kernel's file as the loader takes it: an ELF file.
//!
//! Distributions ship `vmlinuz`, a `bzImage`, in which the kernel's ELF file is the compressed payload of a small program that unpacks
//! it. [`unpacked`] does that program's work on the host: [`bz_image`] finds the payload, [`payload`] unpacks it, and what comes of it
//! is kept in the cache.
//!
//! - [`unpacked`]: the ELF file of a kernel
//! - [`installed`]: the newest kernel that this machine could boot itself
//! - [`page_layout`]: where a Linux has what in its account of frames
//! - `kallsyms`: the names that a Linux has of itself; `symbol_table`: puts them into its file
//! - [`has_symbols`]: whether the names of its functions are in it
//! - [`number_of_system_call`]: what a Linux says of a call of its own
//! - [`Modules`]: what it can load

mod bz_image;
mod find;
mod kallsyms;
mod modules;
mod page_layout;
mod payload;
pub(crate) mod sections;
mod symbol_table;
mod system_call;

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use find::installed;
pub use modules::{Modules, ModulesError, modules_of};
pub use page_layout::page_layout;
use payload::MAX_BYTES;
use payload::unpack_if_packed;
pub use payload::{Compression, PayloadError};
pub use sections::{has_functions, has_symbols};
pub use system_call::number_of_system_call;

/// The file cannot be made into a kernel's ELF file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelFileError {
    /// A file operation failed.
    #[error("cannot {action} {}: {source}", .path.display())]
    File {
        /// What was to be done, as a verb.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The file is of no kind that is known.
    #[error(
        "{} is no kernel: expected an ELF file (vmlinux) or a bzImage of protocol 2.08 or later (vmlinuz)",
        .path.display()
    )]
    NoKernel {
        /// The file.
        path: PathBuf,
    },
    /// A bzImage whose payload cannot be unpacked.
    #[error("cannot unpack the kernel in {}: {source}", .path.display())]
    Payload {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: PayloadError,
    },
}

impl KernelFileError {
    fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KernelFileError {
        let path = path.to_owned();
        move |source| KernelFileError::File { action, path, source }
    }
}

/// What every ELF file begins with.
const ELF_MAGIC: &[u8] = b"\x7fELF";

/// Beginning of the names of ELF files that are kept. Another one than when they were kept without symbols.
const KEPT: &str = "vmlinux-with-symbols";

/// The ELF file of the kernel in `path`: that file, or what it has as its payload, which is unpacked into the folder `cache` the first
/// time.
///
/// # Errors
/// The file is no kernel, or cannot be read or unpacked.
pub fn unpacked(path: &Path, cache: &Path) -> Result<PathBuf, KernelFileError> {
    let mut input = File::open(path).map_err(KernelFileError::file("read", path))?;
    let mut file = Vec::new();
    let mut more = |most_bytes, file: &mut Vec<u8>| {
        let read = (&mut input).take(most_bytes).read_to_end(file);
        read.map_err(KernelFileError::file("read", path))
    };
    more(ELF_MAGIC.len() as u64, &mut file)?;
    // An ELF file may be long, and is for the loader to read.
    if file == ELF_MAGIC {
        return Ok(path.to_owned());
    }
    more(MAX_BYTES, &mut file)?;
    let no_kernel = || KernelFileError::NoKernel {
        path: path.to_owned(),
    };
    let payload = bz_image::payload(&file).ok_or_else(no_kernel)?;
    let kept = cache.join(format!("{KEPT}-{:016x}", hash(&file)));
    if kept.is_file() {
        return Ok(kept);
    }
    let kernel = payload::unpack(payload).map_err(|source| KernelFileError::Payload {
        path: path.to_owned(),
        source,
    })?;
    if !kernel.starts_with(ELF_MAGIC) {
        return Err(no_kernel());
    }
    keep(&symbol_table::add_if_missing(kernel), &kept, cache)?;
    Ok(kept)
}

/// Writes a file that has its name only once it is complete.
fn keep(contents: &[u8], path: &Path, folder: &Path) -> Result<(), KernelFileError> {
    fs::create_dir_all(folder).map_err(KernelFileError::file("create", folder))?;
    let partial =
        tempfile::NamedTempFile::new_in(folder).map_err(KernelFileError::file("write in", folder))?;
    fs::write(partial.path(), contents).map_err(KernelFileError::file("write", partial.path()))?;
    partial
        .persist(path)
        .map_err(|error| KernelFileError::file("write", path)(error.error))?;
    Ok(())
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const KERNEL: &[u8] = b"\x7fELF and whatever else a kernel has, has, has, has";

    /// A bzImage with this payload behind one sector of set-up code.
    fn bz_image(payload: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 1024];
        file[0x1f1] = 1;
        file[0x202..0x206].copy_from_slice(b"HdrS");
        file[0x206..0x208].copy_from_slice(&0x20f_u16.to_le_bytes());
        file[0x248..0x24c].copy_from_slice(&16_u32.to_le_bytes());
        file[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        file.extend([0; 16]);
        file.extend(payload);
        file.extend(b"what follows is not the payload");
        file
    }

    fn gzip(contents: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(contents).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(file: &[u8]) -> Result<Vec<u8>, KernelFileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vmlinuz");
        fs::write(&path, file).unwrap();
        let cache = folder.path().join("cache");
        let first = unpacked(&path, &cache)?;
        assert_eq!(unpacked(&path, &cache).unwrap(), first, "it is unpacked once");
        Ok(fs::read(first).unwrap())
    }

    #[test]
    fn an_elf_file_is_taken_as_it_is_and_a_bz_image_is_unpacked() {
        assert_eq!(unpack(KERNEL).unwrap(), KERNEL);
        assert_eq!(unpack(&bz_image(&gzip(KERNEL))).unwrap(), KERNEL);
    }

    #[test]
    fn what_is_no_kernel_is_refused_by_name() {
        for no_kernel in [b"MZ".to_vec(), bz_image(&gzip(b"no kernel")), Vec::new()] {
            let error = unpack(&no_kernel).unwrap_err();
            assert!(matches!(error, KernelFileError::NoKernel { .. }), "{error}");
            assert!(error.to_string().contains("vmlinuz"), "{error}");
        }
    }

    #[test]
    fn a_payload_that_ends_too_early_and_one_of_an_unknown_kind_are_refused() {
        let whole = gzip(KERNEL);
        for payload in [
            &whole[..whole.len() / 2],
            b"BZh9 is not used by kernels that we know",
        ] {
            let error = unpack(&bz_image(payload)).unwrap_err();
            assert!(matches!(error, KernelFileError::Payload { .. }), "{error}");
        }
    }

    #[test]
    fn a_header_that_points_out_of_the_file_is_no_kernel() {
        let mut file = bz_image(&gzip(KERNEL));
        file[0x24c..0x250].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(unpack(&file), Err(KernelFileError::NoKernel { .. })));
    }
}
