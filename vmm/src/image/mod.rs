//! The guest image: a kernel, an initrd, and the programs in it, built when they are needed and kept until their
//! sources change.
//!
//! [`ensure`] looks up the image under a key of everything that it is made of ([`stamp`]). If it is there, that was all,
//! and takes a few milliseconds. Otherwise one process at a time ([`lock`]) finds or makes a `core` library for the
//! bare-metal target ([`sysroot`]), compiles the guest crates with the ordinary stable cargo ([`guest_cargo`]), the C programs
//! with the system's compiler ([`c_programs`]) and the modules to one object each ([`modules`]), packs the programs ([`initrd`]),
//! and renames the finished directory into place ([`build`]).
//!
//! Everything is written below one cache directory ([`Places`]); neither the user's toolchain nor the system is touched.
//!
//! **Invariant:** a directory with an image's final name is complete, and the sources that its key names are the ones it
//! was built from. A build that is killed leaves nothing but working files, which the next build removes.

mod added;
mod build;
mod c_programs;
mod error;
mod files;
mod guest_cargo;
mod initrd;
mod kept;
mod lock;
mod modules;
mod pack;
mod places;
mod processes;
mod progress;
mod sandbox;
mod stamp;
mod submission;
mod sysroot;

use std::path::{Path, PathBuf};

pub use added::{Added, AddedError};
pub(crate) use c_programs::c_compiler;
pub use error::{Attempt, ImageError, NoCore, Obstacle};
pub use guest_cargo::{GuestCrate, run_guest_cargo};
pub use pack::PackError;
pub use progress::{Progress, Silent, to_stderr};
pub(crate) use sandbox::ProcessBound;
pub use sandbox::{BuildLimits, Containment, SandboxError};
pub use submission::{Course, SubmittedFile};
pub use sysroot::CoreSource;

use walkdir::WalkDir;

use build::Parts;
use places::Places;

/// Which kernel the image holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// The kernel as users get it.
    Shipped,
    /// The kernel with its deliberate faults compiled in (cargo feature `mutants`), for tests that want to see red.
    Mutants,
}

/// A finished image directory: the files `kernel` and `initrd`, and a directory `programs`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GuestImage {
    /// The kernel, a PVH ELF with symbols.
    pub kernel: PathBuf,
    /// A newc cpio archive of the programs, with page-aligned contents.
    pub initrd: PathBuf,
    /// Directory of the programs and of files that are none, the same as in the initrd.
    pub program_dir: PathBuf,
    /// Names of the programs, sorted.
    pub programs: Vec<String>,
    /// Names of the files of this project's modules, sorted; they lie among the programs.
    pub modules: Vec<String>,
}

/// The image of the workspace's guest, built first if its sources have changed since the last time.
///
/// # Errors
/// When a source does not compile, when no `core` library can be had for the guest's target, or when the cache cannot
/// be read and written.
pub fn ensure(kind: ImageKind, progress: &dyn Progress) -> Result<GuestImage, ImageError> {
    ensure_in(&Places::find()?, kind, progress)
}

/// Where files are kept that are made once, images among them: beside the sources, or in the user's cache where there are none.
///
/// # Errors
/// There is no such place: neither sources nor a home.
pub fn cache() -> Result<PathBuf, ImageError> {
    places::cache()
}

/// The workspace whose guest is built.
///
/// # Errors
/// It has no sources of a guest.
pub fn workspace() -> Result<PathBuf, ImageError> {
    let workspace = Places::find()?.workspace;
    stamp::find_sources(&workspace)?;
    Ok(workspace)
}

/// The compiler that the guest is built with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveCompiler {
    /// Its version, as in `1.95.0`.
    pub release: String,
    /// Where the `core` library for the guest comes from; None if it is not here.
    pub core: Option<CoreSource>,
}

/// What there is to build the guest with. Nothing is fetched or made.
///
/// # Errors
/// There is no compiler, or no workspace that says which one.
pub fn compiler() -> Result<ActiveCompiler, ImageError> {
    let places = Places::find()?;
    let compiler = sysroot::Compiler::active(&places.workspace)?;
    Ok(ActiveCompiler {
        core: sysroot::core_source(&compiler, &places),
        release: compiler.release,
    })
}

/// The workspace in which this process stands, if it has a guest of its own that [`ensure`] does not build: whoever stands there
/// may take a verdict for one about it.
///
/// # Errors
/// As [`cache`].
pub fn other_workspace() -> Result<Option<OtherWorkspace>, ImageError> {
    let built = Places::find()?.workspace;
    let folder = std::env::current_dir().and_then(|folder| folder.canonicalize());
    let folder = folder.map_err(ImageError::file("find", Path::new(".")))?;
    let mut around = folder.ancestors();
    let stood_in = around.find(|folder| folder.join(GuestCrate::Kernel.package()).join("src").is_dir());
    Ok(stood_in
        .filter(|stood_in| *stood_in != built)
        .map(|stood_in| OtherWorkspace {
            stood_in: stood_in.to_owned(),
            built,
        }))
}

/// Two workspaces that may be mistaken for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherWorkspace {
    /// The one in which the process stands.
    pub stood_in: PathBuf,
    /// The one whose guest is built.
    pub built: PathBuf,
}

fn ensure_in(places: &Places, kind: ImageKind, progress: &dyn Progress) -> Result<GuestImage, ImageError> {
    let key = stamp::key(&places.workspace, kind)?;
    if let Ok(image) = GuestImage::at(&places.image(kind, &key)) {
        return Ok(image);
    }
    let result = lock::hold(places, progress).and_then(|lock| build::run(&lock, kind, &Parts::All, progress));
    progress.finish();
    result
}

impl GuestImage {
    /// The image that lies in `dir`, wherever it was built.
    ///
    /// # Errors
    /// When one of its parts is missing.
    pub fn at(dir: &Path) -> Result<Self, ImageError> {
        let program_dir = dir.join(PROGRAMS);
        let present = |name| {
            let path = dir.join(name);
            let incomplete = || ImageError::Incomplete {
                dir: dir.to_owned(),
                missing: name,
            };
            // A link would be refused when the guest is loaded, and with a better reason.
            if path.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
                Ok(path)
            } else {
                Err(incomplete())
            }
        };
        let (kernel, initrd) = (present(KERNEL)?, present(INITRD)?);
        if !program_dir.is_dir() {
            return Err(ImageError::Incomplete {
                dir: dir.to_owned(),
                missing: PROGRAMS,
            });
        }
        let (mut programs, mut modules) = (Vec::new(), Vec::new());
        for (name, _) in program_files(&program_dir)? {
            if modules::is_module(&name) {
                modules.push(name);
            } else if !files::is_file(&name) {
                programs.push(name);
            }
        }
        programs.sort();
        modules.sort();
        Ok(Self {
            kernel,
            initrd,
            program_dir,
            programs,
            modules,
        })
    }

    /// The ELF file of `program`, if the image has it.
    #[must_use]
    pub fn program(&self, program: &str) -> Option<PathBuf> {
        self.programs
            .iter()
            .any(|name| name == program)
            .then(|| self.program_dir.join(program))
    }
}

impl ImageKind {
    fn name(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Mutants => "mutants",
        }
    }

    fn kernel_features(self) -> &'static [&'static str] {
        match self {
            Self::Shipped => &[],
            Self::Mutants => &["mutants"],
        }
    }
}

/// The files of an image's directory of programs, each with its path there, in the order of these.
fn program_files(program_dir: &Path) -> Result<Vec<(String, PathBuf)>, ImageError> {
    let mut files = Vec::new();
    for entry in WalkDir::new(program_dir).sort_by_file_name() {
        let entry = entry.map_err(|error| ImageError::file("list", program_dir)(error.into()))?;
        if !entry.file_type().is_dir() {
            let path = entry.into_path();
            let name = path.strip_prefix(program_dir).unwrap_or(&path);
            files.push((name.to_string_lossy().into_owned(), path));
        }
    }
    Ok(files)
}

const KERNEL: &str = "kernel";
const INITRD: &str = "initrd";
const PROGRAMS: &str = "programs";

/// The rustc target of the guest crates.
const TARGET: &str = "x86_64-unknown-none";

#[cfg(test)]
mod tests;
