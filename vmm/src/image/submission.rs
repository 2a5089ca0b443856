//! Builds an image of the course's own sources with some files of a submission in their place.
//!
//! The course's image is built once, with the working files of its compilers ([`Course::prepare`]). Of a submission those crates are
//! compiled, on a copy of these files, that it has files of; the rest of its image is the course's own. Both are built in the same
//! sandbox.

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use super::build::Parts;
use super::modules::{self, Completed};
use super::places::Places;
use super::sandbox::{BuildLimits, Containment, Sandbox};
use super::sysroot::{self, Compiler};
use super::{GuestCrate, GuestImage, ImageError, ImageKind, Progress, build, guest_cargo, lock, stamp};

/// What a build that failed leaves: why it did, with all that compilers said.
const LOG: &str = "build.log";
/// Working files of compilers, below the folder of a build.
const COMPILED: &str = "cache/cargo";
/// What a cargo workspace of the guest's consists of, beside the guest's sources.
const OTHER_MEMBERS: [&str; 2] = ["vmm", "warehouse-server"];

/// A file of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmittedFile {
    /// Its place in the workspace.
    pub path: PathBuf,
    /// What it holds.
    pub contents: Vec<u8>,
}

/// The course's own sources, built.
pub struct Course {
    base: PathBuf,
    sysroots: PathBuf,
    sandbox: Option<Sandbox>,
    image: GuestImage,
}

impl Course {
    /// Builds the course's own image, if that has not been done.
    ///
    /// # Errors
    /// There is no sandbox, or the course's own sources do not build.
    pub fn prepare(containment: Containment, progress: &dyn Progress) -> Result<Course, ImageError> {
        let own = Places::find()?;
        // Two calls at once would copy over each other's files: the second waits, and finds what the first has made.
        let held = lock::hold(&own, progress)?;
        let toolchain = Compiler::active(&own.workspace)?.sysroot;
        let sandbox = match containment {
            Containment::Sandbox => Some(Sandbox::find(&toolchain, &own.cache, progress)?),
            Containment::Unsafe => None,
        };
        let key = stamp::key(&own.workspace, ImageKind::Shipped)?;
        // A toolchain's library is made once, outside: nothing of a submission is in it.
        sysroot::ensure(&held, progress)?;
        let base = own.cache.join("courses").join(key);
        let sysroots = own.sysroots();
        let done = base.join("done");
        if !done.is_file() {
            let (workspace, cache) = (base.join("workspace"), base.join("cache"));
            let _ = fs::remove_dir_all(&base);
            fs::create_dir_all(&workspace).map_err(ImageError::file("create", &workspace))?;
            fs::create_dir_all(&cache).map_err(ImageError::file("create", &cache))?;
            for source in stamp::SOURCES.iter().chain(&OTHER_MEMBERS) {
                copy(&own.workspace.join(source), &workspace)?;
            }
        }
        let places = places(&base, &sysroots, sandbox.as_ref(), BuildLimits::default())?;
        let image = build_in(&places, &Parts::All, progress)?;
        fs::write(&done, b"").map_err(ImageError::file("write", &done))?;
        drop(held);
        Ok(Course {
            base,
            sysroots,
            sandbox,
            image,
        })
    }

    /// How many builds may go on at the same time where so many are wanted: one, where a build that makes processes without end would leave
    /// none to the others.
    #[must_use]
    pub fn builds_at_once(&self, wanted: NonZeroUsize) -> NonZeroUsize {
        match &self.sandbox {
            Some(sandbox) if !sandbox.keeps_builds_apart() => NonZeroUsize::MIN,
            Some(_) | None => wanted,
        }
    }

    /// The image of the course's own sources with these files in their place. It is written below `dir`, which has nothing but [`LOG`]
    /// when there is none.
    ///
    /// # Errors
    /// It does not compile, or cannot be compiled here.
    pub fn build(
        &self,
        dir: &Path,
        files: &[SubmittedFile],
        limits: BuildLimits,
        progress: &dyn Progress,
    ) -> Result<GuestImage, ImageError> {
        let built = self.compile(dir, files, limits, progress);
        // What is left is the image, some megabytes of a hundred.
        let left: &[&str] = match &built {
            Ok(_) => &["workspace", COMPILED],
            Err(_) => &["workspace", "cache"],
        };
        for part in left {
            let part = dir.join(part);
            match fs::remove_dir_all(&part) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(ImageError::file("remove", &part)(error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        if let Err(error) = &built {
            let log = dir.join(LOG);
            fs::write(&log, format!("{error}\n")).map_err(ImageError::file("write", &log))?;
        }
        built
    }

    fn compile(
        &self,
        dir: &Path,
        files: &[SubmittedFile],
        limits: BuildLimits,
        progress: &dyn Progress,
    ) -> Result<GuestImage, ImageError> {
        let mut touched: Vec<GuestCrate> = Vec::new();
        for file in files {
            let guest_crate = GuestCrate::of_source(&file.path);
            touched.extend(guest_crate.filter(|guest_crate| !touched.contains(guest_crate)));
        }
        let into = dir.join(COMPILED);
        fs::create_dir_all(&into).map_err(ImageError::file("create", &into))?;
        copy(&self.base.join("workspace"), dir)?;
        for guest_crate in &touched {
            copy(&self.base.join(COMPILED).join(guest_crate.package()), &into)?;
        }
        for SubmittedFile { path, contents } in files {
            debug_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
            let path = dir.join("workspace").join(path);
            if fs::read(&path).is_ok_and(|own| own == *contents) {
                continue;
            }
            let parent = path.parent().unwrap_or(dir);
            fs::create_dir_all(parent).map_err(ImageError::file("create", parent))?;
            fs::write(&path, contents).map_err(ImageError::file("write", &path))?;
        }
        let places = places(dir, &self.sysroots, self.sandbox.as_ref(), limits)?;
        match modules::complete(&places)? {
            Completed::Nothing => {}
            Completed::Some => guest_cargo::lock_new_members(&places)?,
        }
        build_in(&places, &Parts::Crates(&touched, &self.image), progress)
    }
}

/// Workspace and cache below a folder, with the toolchain's libraries.
fn places(
    dir: &Path,
    sysroots: &Path,
    sandbox: Option<&Sandbox>,
    limits: BuildLimits,
) -> Result<Places, ImageError> {
    let (workspace, cache) = (dir.join("workspace"), dir.join("cache"));
    let link = cache.join("sysroots");
    if link.symlink_metadata().is_err() {
        std::os::unix::fs::symlink(sysroots, &link).map_err(ImageError::file("link", &link))?;
    }
    let mut sandbox = sandbox.map(Sandbox::for_a_build);
    if let Some(sandbox) = &mut sandbox {
        sandbox.readable = vec![sysroots.to_owned(), workspace.clone()];
        sandbox.writable = vec![cache.clone()];
        sandbox.limits = limits;
    }
    Ok(Places {
        workspace,
        cache,
        sandbox,
    })
}

fn build_in(places: &Places, parts: &Parts<'_>, progress: &dyn Progress) -> Result<GuestImage, ImageError> {
    build::run(
        &lock::hold(places, progress)?,
        ImageKind::Shipped,
        parts,
        progress,
    )
}

/// Copies a file or a directory into another one, with all times: cargo builds anew what is newer than it was.
fn copy(from: &Path, into: &Path) -> Result<(), ImageError> {
    let copied = Command::new("cp")
        .args(["-a", "--reflink=auto"])
        .args([from, into])
        .output();
    let copied = copied.map_err(|source| ImageError::Start {
        program: "cp".to_owned(),
        source,
    })?;
    if copied.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&copied.stderr).into_owned();
    Err(ImageError::file("copy", from)(io::Error::other(complaint)))
}
