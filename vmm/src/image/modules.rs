//! Compiles the loadable modules: each crate of `guest-modules/` but the one that they are written with becomes one
//! relocatable object, `NAME.ko`.
//!
//! Link-time optimisation does what a linker would: the object holds the crate, what it uses of others and of `core`, and
//! nothing else. What is undefined in it, the kernel offers.

use std::fs;
use std::path::PathBuf;

use super::guest_cargo;
use super::places::Places;
use super::sysroot::Sysroot;
use super::{GuestCrate, ImageError};

/// The crate that modules are written with.
const LIBRARY: &str = "kmod";
/// What the names of modules' files end with.
const EXTENSION: &str = "ko";

/// A module that has been compiled.
pub(super) struct Module {
    /// Name of its file.
    pub(super) file: String,
    pub(super) object: PathBuf,
}

/// Compiles all of them, in the order of their names.
pub(super) fn build(places: &Places, sysroot: &Sysroot) -> Result<Vec<Module>, ImageError> {
    let out_dir = places.module_objects();
    fs::create_dir_all(&out_dir).map_err(ImageError::file("create", &out_dir))?;
    let mut modules = Vec::new();
    for name in crates(places)? {
        let file = format!("{name}.{EXTENSION}");
        let object = out_dir.join(&file);
        guest_cargo::build_object(places, &name, &object, sysroot)?;
        modules.push(Module { file, object });
    }
    Ok(modules)
}

/// Whether a file beside the programs is a module.
pub(super) fn is_module(file: &str) -> bool {
    file.strip_suffix(EXTENSION)
        .is_some_and(|name| name.ends_with('.'))
}

/// Names of the modules' crates, which are those of their directories.
fn crates(places: &Places) -> Result<Vec<String>, ImageError> {
    let dir = places.workspace.join(GuestCrate::Modules.package());
    let entries = fs::read_dir(&dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(ImageError::file("list", &dir))?;
    let mut names: Vec<String> = entries
        .iter()
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != LIBRARY)
        .collect();
    names.sort();
    Ok(names)
}
