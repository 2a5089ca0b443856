//! The modules that a Linux comes with: which of them make what is wanted, in the order in which they must be loaded. Each says in itself
//! which it depends on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSection};
use walkdir::{DirEntry, WalkDir};

use super::{PayloadError, unpack_if_packed};

/// Most modules that can be needed at once; a circle of them ends here.
const MOST: usize = 64;
/// In the folder of a kernel's modules: what could have been a module and is in the kernel, a path a line.
const BUILT_IN: &str = "modules.builtin";

/// A module cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModulesError {
    /// The kernel comes without it.
    #[error("there is no module {name} in {}", .folder.display())]
    Missing {
        /// The module.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// Its file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be unpacked.
    #[error("cannot unpack the module {}: {source}", .path.display())]
    Unpack {
        /// Its file.
        path: PathBuf,
        /// Why not.
        source: PayloadError,
    },
}

/// The modules of one kernel.
#[derive(Debug)]
pub struct Modules {
    folder: PathBuf,
    files: Vec<PathBuf>,
    built_in: Vec<PathBuf>,
}

impl Modules {
    /// Those in a folder, such as `/lib/modules/6.12.0`.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Modules {
        let built_in = fs::read_to_string(folder.join(BUILT_IN)).unwrap_or_default();
        Modules {
            folder: folder.to_owned(),
            files: WalkDir::new(folder)
                .into_iter()
                .flatten()
                .filter(|entry| entry.file_type().is_file())
                .map(DirEntry::into_path)
                .collect(),
            built_in: built_in.lines().map(PathBuf::from).collect(),
        }
    }

    /// Whether the kernel has this one, in itself or as a module.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.is_built_in(name) || self.file(name).is_some()
    }

    /// Contents of the modules that make what these names say, those first that others depend on, without what is in the kernel itself.
    ///
    /// # Errors
    /// One is not there, or cannot be read or unpacked.
    pub fn for_names(&self, names: &[&str]) -> Result<Vec<Vec<u8>>, ModulesError> {
        let mut wanted: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut modules = Vec::new();
        let mut next = 0;
        while next < wanted.len() && next < MOST {
            let name = wanted[next].clone();
            next += 1;
            if self.is_built_in(&name) {
                continue;
            }
            let contents = self.contents(&name)?;
            // A module that several need is loaded before the first of them.
            wanted.extend(depends(&contents));
            modules.push((name, contents));
        }
        modules.reverse();
        let mut loaded: Vec<String> = Vec::new();
        modules.retain(|(name, _)| {
            let is_new = !loaded.contains(name);
            loaded.push(name.clone());
            is_new
        });
        Ok(modules.into_iter().map(|(_, contents)| contents).collect())
    }

    fn contents(&self, name: &str) -> Result<Vec<u8>, ModulesError> {
        let path = self.file(name).ok_or_else(|| ModulesError::Missing {
            name: name.to_owned(),
            folder: self.folder.clone(),
        })?;
        let contents = fs::read(path).map_err(|source| ModulesError::Read {
            path: path.to_owned(),
            source,
        })?;
        unpack_if_packed(contents).map_err(|source| ModulesError::Unpack {
            path: path.to_owned(),
            source,
        })
    }

    fn file(&self, name: &str) -> Option<&Path> {
        let path = self.files.iter().find(|path| is_module(path, name));
        path.map(PathBuf::as_path)
    }

    fn is_built_in(&self, name: &str) -> bool {
        self.built_in.iter().any(|path| is_module(path, name))
    }
}

/// The folder with the modules of a kernel that lies where distributions put it: `boot/vmlinuz-VERSION` beside `lib/modules/VERSION`. None
/// where there is none.
#[must_use]
pub fn modules_of(kernel: &Path) -> Option<PathBuf> {
    let (_, version) = kernel.file_name()?.to_str()?.split_once('-')?;
    let root = kernel.parent()?.parent()?;
    // Newer packages have everything below `usr`.
    let folders = ["lib/modules", "usr/lib/modules"].map(|path| root.join(path).join(version));
    folders.into_iter().find(|folder| folder.is_dir())
}

/// Whether the file is the module of this name: `kvm_amd` may be in `kvm-amd.ko.xz`.
fn is_module(path: &Path, name: &str) -> bool {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    file.split_once(".ko")
        .is_some_and(|(stem, _)| stem.replace('-', "_") == name)
}

/// The names in the module's information, `depends=irqbypass,ccp`.
fn depends(module: &[u8]) -> Vec<String> {
    let information = object::File::parse(module)
        .ok()
        .and_then(|file| file.section_by_name(".modinfo")?.data().ok());
    let fields = information.unwrap_or_default().split(|byte| *byte == 0);
    let names = fields
        .filter_map(|field| str::from_utf8(field).ok()?.strip_prefix("depends="))
        .flat_map(|names| names.split(','));
    names
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_goes_by_the_name_of_its_file_with_underscores() {
        assert!(is_module(Path::new("/lib/kvm-amd.ko.xz"), "kvm_amd"));
        assert!(is_module(Path::new("/lib/kvm.ko"), "kvm"));
        assert!(!is_module(Path::new("/lib/kvm-amd.ko"), "kvm"));
    }

    #[test]
    fn one_that_is_missing_is_named_and_what_is_in_the_kernel_is_not_missing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join(BUILT_IN),
            "kernel/drivers/block/virtio_blk.ko\n",
        )
        .unwrap();
        let modules = Modules::in_folder(folder.path());
        assert!(modules.has("virtio_blk") && !modules.has("kvm_amd"));
        assert!(modules.for_names(&["virtio_blk"]).unwrap().is_empty());
        let error = modules.for_names(&["kvm_amd"]).unwrap_err();
        assert!(error.to_string().contains("kvm_amd"), "{error}");
    }

    #[test]
    fn modules_lie_beside_the_kernel_as_distributions_have_them() {
        let root = tempfile::tempdir().unwrap();
        let modules = root.path().join("usr/lib/modules/6.1.0-9-amd64");
        fs::create_dir_all(&modules).unwrap();
        let kernel = root.path().join("boot/vmlinuz-6.1.0-9-amd64");
        assert_eq!(modules_of(&kernel), Some(modules));
        assert_eq!(modules_of(&root.path().join("boot/vmlinuz-6.2")), None);
        assert_eq!(modules_of(&root.path().join("build/vmlinux")), None);
    }
}
