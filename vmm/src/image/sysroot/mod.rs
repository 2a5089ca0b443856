//! A `core` library for the guest's target, from wherever it can be had:
//!
//! 1. the toolchain's own, if the target is installed (`rustup target add`);
//! 2. one made from the library's source in the toolchain (`rustup component add rust-src`, or Debian's packages);
//! 3. one made from Debian's package `rust-src` of exactly the compiler's version ([`debian`]).
//!
//! What is made goes into a private sysroot, once for each compiler ([`make`]).

mod compiler;
mod debian;
mod make;

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{Attempt, NoCore, Obstacle};
use super::lock::CacheLock;
use super::places::Places;
use super::{ImageError, Progress};
pub(super) use compiler::Compiler;

/// What a `core` library for the guest's target would come from, with nothing fetched and nothing made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreSource {
    /// The target that is installed with the compiler.
    Target,
    /// A library that was made before.
    Made,
    /// The library's source that is installed with the compiler.
    Source,
}

/// Where the library would come from; None if it is not here.
pub(super) fn core_source(compiler: &Compiler, places: &Places) -> Option<CoreSource> {
    if compiler.target_library().is_ok() {
        Some(CoreSource::Target)
    } else if places.sysroots().join(compiler.key()).is_dir() {
        Some(CoreSource::Made)
    } else {
        compiler.source().ok().map(|_| CoreSource::Source)
    }
}

/// Where the guest's compiler finds `core`.
#[derive(Debug)]
pub(super) enum Sysroot {
    /// Where it looks anyway.
    Toolchain,
    /// In a directory that has to be given to it with `--sysroot`.
    Private(PathBuf),
}

/// Finds a sysroot for the active compiler, or makes one.
pub(super) fn ensure(lock: &CacheLock<'_>, progress: &dyn Progress) -> Result<Sysroot, ImageError> {
    let compiler = Compiler::active(&lock.places.workspace)?;
    let mut attempts = Vec::new();
    match compiler.target_library() {
        Ok(()) => return Ok(Sysroot::Toolchain),
        Err(reason) => attempts.push(Attempt {
            way: "target of the toolchain".to_owned(),
            reason,
        }),
    }
    let private = lock.places.sysroots().join(compiler.key());
    if private.is_dir() {
        return Ok(Sysroot::Private(private));
    }
    lock.clear_work()?;
    let work = lock.places.work();
    let make = |library: PathBuf| make::sysroot(&compiler, &library, &work, progress);
    match compiler.source().and_then(make) {
        Ok(made) => return publish(&made, private),
        Err(reason) => attempts.push(Attempt {
            way: "source in the toolchain".to_owned(),
            reason,
        }),
    }
    match debian::library_source(&compiler.release, &work, progress) {
        Ok(library) => match make(library) {
            Ok(made) => return publish(&made, private),
            Err(reason) => attempts.push(Attempt {
                way: "source from Debian".to_owned(),
                reason,
            }),
        },
        Err(failed) => attempts.extend(failed),
    }
    Err(ImageError::NoCore(NoCore {
        release: compiler.release,
        attempts,
    }))
}

fn publish(made: &Path, private: PathBuf) -> Result<Sysroot, ImageError> {
    let parent = private
        .parent()
        .expect("the path was joined from a directory and a name");
    fs::create_dir_all(parent).map_err(ImageError::file("create", parent))?;
    fs::rename(made, &private).map_err(ImageError::file("rename", made))?;
    Ok(Sysroot::Private(private))
}
