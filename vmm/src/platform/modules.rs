//! The modules of a kernel that make KVM, in the order in which they must be loaded: each says in itself which it depends on.

use std::fs;
use std::path::{Path, PathBuf};

use object::{Object, ObjectSection};

use super::EmulationError;
use crate::kernel_file::unpack_if_packed;

/// The module for processors with SVM, which is what QEMU emulates.
const KVM: &str = "kvm_amd";
/// Most modules that one can need; a circle of them ends here.
const MOST: usize = 64;

/// Contents of KVM's modules and of what they need, those first that others depend on.
pub(super) fn for_kvm(folder: &Path) -> Result<Vec<Vec<u8>>, EmulationError> {
    let files = files_below(folder);
    let mut wanted = vec![KVM.to_owned()];
    let mut modules = Vec::new();
    let mut next = 0;
    while next < wanted.len() && next < MOST {
        let name = &wanted[next];
        let missing = || EmulationError::NoModule {
            name: name.clone(),
            folder: folder.to_owned(),
        };
        let path = files
            .iter()
            .find(|path| is_module(path, name))
            .ok_or_else(missing)?;
        let contents = fs::read(path).map_err(EmulationError::file("read", path))?;
        let contents = unpack_if_packed(contents).map_err(|source| EmulationError::Module {
            path: path.clone(),
            source,
        })?;
        // A module that several need is loaded before the first of them.
        for needed in depends(&contents) {
            wanted.push(needed);
        }
        modules.push((wanted[next].clone(), contents));
        next += 1;
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

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files
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
    fn a_folder_without_kvm_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let error = for_kvm(folder.path()).unwrap_err();
        assert!(error.to_string().contains("kvm_amd"), "{error}");
    }
}
