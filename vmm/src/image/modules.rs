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
/// What a crate's manifest is called.
const MANIFEST: &str = "Cargo.toml";
/// What stands in the manifest of each module, after its name. There is no build script, whatever files there are.
const OF_EACH_MODULE: &str = r#"version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true
build = false

[lib]
crate-type = ["staticlib"]
test = false
doctest = false
bench = false

[dependencies]
kmod = { path = "../kmod" }

[lints]
workspace = true
"#;
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

/// Gives each crate that has sources and no manifest one of ours, so that none of a stranger's decides how it is built. Whether there were
/// any.
pub(super) fn complete(places: &Places) -> Result<Completed, ImageError> {
    let dir = places.workspace.join(GuestCrate::Modules.package());
    let entries = fs::read_dir(&dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut completed = Completed::Nothing;
    for entry in entries.map_err(ImageError::file("list", &dir))? {
        let manifest = entry.path().join(MANIFEST);
        if !entry.path().is_dir() || manifest.is_file() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.bytes().all(is_lower) {
            return Err(ImageError::ModuleName { name });
        }
        let text = format!("[package]\nname = \"{name}\"\n{OF_EACH_MODULE}");
        fs::write(&manifest, text).map_err(ImageError::file("write", &manifest))?;
        completed = Completed::Some;
    }
    Ok(completed)
}

/// Whether crates were given a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completed {
    Nothing,
    Some,
}

/// Names of the modules' crates, which are those of their directories.
fn crates(places: &Places) -> Result<Vec<String>, ImageError> {
    let dir = places.workspace.join(GuestCrate::Modules.package());
    let entries = fs::read_dir(&dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(ImageError::file("list", &dir))?;
    let mut names: Vec<String> = entries
        .iter()
        .filter(|entry| entry.path().join(MANIFEST).is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != LIBRARY)
        .collect();
    names.sort();
    Ok(names)
}
