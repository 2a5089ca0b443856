//! Builds an image directory and puts it in place.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::files::{FILES, File, Mode};
use super::guest_cargo::{self, GuestCrate, Program};
use super::lock::CacheLock;
use super::places::Places;
use super::{
    GuestImage, INITRD, ImageError, ImageKind, KERNEL, PROGRAMS, Progress, c_programs, initrd, modules,
    stamp, sysroot,
};

/// Images of one kind that are kept: enough to go back and forth between branches.
const KEPT_IMAGES: usize = 4;

/// What of an image is compiled.
pub(super) enum Parts<'a> {
    /// Everything.
    All,
    /// These crates; the rest is another image's, whose sources differ in nothing else.
    Crates(&'a [GuestCrate], &'a GuestImage),
}

impl<'a> Parts<'a> {
    /// The image that has the crate's files already.
    fn ready(&self, guest_crate: GuestCrate) -> Option<&'a GuestImage> {
        match self {
            Parts::All => None,
            Parts::Crates(crates, image) => (!crates.contains(&guest_crate)).then_some(image),
        }
    }
}

/// The image for the sources as they are now: another process may have built it while this one waited for the lock.
pub(super) fn run(
    lock: &CacheLock<'_>,
    kind: ImageKind,
    parts: &Parts<'_>,
    progress: &dyn Progress,
) -> Result<GuestImage, ImageError> {
    let places = lock.places;
    loop {
        let key = stamp::key(&places.workspace, kind)?;
        let image = places.image(kind, &key);
        if let Ok(image) = GuestImage::at(&image) {
            return Ok(image);
        }
        let built = assemble(lock, kind, parts, progress)?;
        // Whoever edits a source during the build gets another build, not an image under the wrong key.
        if stamp::key(&places.workspace, kind)? == key {
            publish(&built, &image)?;
            prune(places, kind)?;
            return GuestImage::at(&image);
        }
    }
}

/// An image directory among the working files.
fn assemble(
    lock: &CacheLock<'_>,
    kind: ImageKind,
    parts: &Parts<'_>,
    progress: &dyn Progress,
) -> Result<PathBuf, ImageError> {
    let places = lock.places;
    let sysroot = sysroot::ensure(lock, progress)?;
    let kernel = match parts.ready(GuestCrate::Kernel) {
        Some(image) => image.kernel.clone(),
        None => {
            progress.step("compiling guest-kernel");
            let built = guest_cargo::build(places, GuestCrate::Kernel, kind.kernel_features(), &sysroot)?;
            find_kernel(&built)?.executable.clone()
        }
    };
    let programs = match parts.ready(GuestCrate::User) {
        Some(image) => ready_programs(image),
        None => {
            progress.step("compiling guest-user");
            let mut programs = guest_cargo::build(places, GuestCrate::User, &[], &sysroot)?;
            if programs.is_empty() {
                return Err(ImageError::NoBinary {
                    package: GuestCrate::User.package(),
                    wanted: None,
                });
            }
            programs.extend(c_programs::build(places)?);
            programs
        }
    };
    let modules = match parts.ready(GuestCrate::Modules) {
        Some(image) => ready_modules(image),
        None => {
            progress.step("compiling guest-modules");
            modules::build(places, &sysroot)?
        }
    };

    lock.clear_work()?;
    let image = places.work().join("image");
    let program_dir = image.join(PROGRAMS);
    fs::create_dir_all(&program_dir).map_err(ImageError::file("create", &program_dir))?;
    copy(&kernel, &image.join(KERNEL))?;
    let mut packed = Vec::new();
    for Program { name, executable } in &programs {
        packed.push((name.as_str(), Mode::Executable, read(executable)?));
    }
    for modules::Module { file, object } in &modules {
        packed.push((file.as_str(), Mode::Data, read(object)?));
    }
    let mut entries: Vec<File<'_>> = packed
        .iter()
        .map(|(name, mode, contents)| File {
            name,
            mode: *mode,
            contents,
        })
        .collect();
    entries.extend(FILES);
    for file in &entries {
        write_file(&program_dir.join(file.name), *file)?;
    }
    let path = image.join(INITRD);
    let write = initrd::pack(&entries).and_then(|archive| fs::write(&path, archive));
    write.map_err(ImageError::file("write", &path))?;
    Ok(image)
}

fn ready_programs(image: &GuestImage) -> Vec<Program> {
    let programs = image.programs.iter().map(|name| Program {
        name: name.clone(),
        executable: image.program_dir.join(name),
    });
    programs.collect()
}

fn ready_modules(image: &GuestImage) -> Vec<modules::Module> {
    let modules = image.modules.iter().map(|file| modules::Module {
        file: file.clone(),
        object: image.program_dir.join(file),
    });
    modules.collect()
}

fn find_kernel(programs: &[Program]) -> Result<&Program, ImageError> {
    let package = GuestCrate::Kernel.package();
    let kernel = programs.iter().find(|program| program.name == package);
    kernel.ok_or(ImageError::NoBinary {
        package,
        wanted: Some(package),
    })
}

pub(super) fn write_file(path: &Path, file: File<'_>) -> Result<(), ImageError> {
    fs::write(path, file.contents)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(file.mode.permissions())))
        .map_err(ImageError::file("write", path))
}

fn read(path: &Path) -> Result<Vec<u8>, ImageError> {
    fs::read(path).map_err(ImageError::file("read", path))
}

pub(super) fn copy(from: &Path, to: &Path) -> Result<(), ImageError> {
    fs::copy(from, to)
        .map(drop)
        .map_err(ImageError::file("copy", from))
}

pub(super) fn publish(built: &Path, image: &Path) -> Result<(), ImageError> {
    // A directory in which someone has deleted a part would refuse the rename.
    if image.exists() {
        fs::remove_dir_all(image).map_err(ImageError::file("remove", image))?;
    }
    if let Some(parent) = image.parent() {
        fs::create_dir_all(parent).map_err(ImageError::file("create", parent))?;
    }
    fs::rename(built, image).map_err(ImageError::file("rename", built))
}

/// Removes all but the newest images of a kind.
fn prune(places: &Places, kind: ImageKind) -> Result<(), ImageError> {
    keep_newest(&places.images(), &format!("{}-", kind.name()), KEPT_IMAGES)
}

/// Removes all but the newest directories whose names begin so.
pub(super) fn keep_newest(images: &Path, prefix: &str, kept: usize) -> Result<(), ImageError> {
    let entries = fs::read_dir(images).map_err(ImageError::file("list", images))?;
    let mut found: Vec<(SystemTime, PathBuf)> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    for (_, old) in found.into_iter().skip(kept) {
        fs::remove_dir_all(&old).map_err(ImageError::file("remove", &old))?;
    }
    Ok(())
}
