//! The compiler that the guest will be built with.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Obstacle;
use crate::image::{ImageError, TARGET};

/// What `rustc` says about itself in the workspace, where `rust-toolchain.toml` has its say.
pub(in crate::image) struct Compiler {
    /// As in `1.95.0`.
    pub(in crate::image) release: String,
    /// Commit of the compiler's source; `unknown` in distributions' builds.
    pub(super) commit: String,
    description: String,
    /// Its directory.
    pub(in crate::image) sysroot: PathBuf,
}

impl Compiler {
    pub(in crate::image) fn active(workspace: &Path) -> Result<Self, ImageError> {
        let description = rustc(workspace, &["-vV"])?;
        let field = |name: &'static str| {
            let value = description
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            let unknown = || ImageError::UnknownCompiler {
                field: name,
                output: description.clone(),
            };
            value.map(str::to_owned).ok_or_else(unknown)
        };
        let (release, commit) = (field("release")?, field("commit-hash")?);
        let sysroot = PathBuf::from(rustc(workspace, &["--print", "sysroot"])?.trim_end());
        Ok(Self {
            release,
            commit,
            description,
            sysroot,
        })
    }

    /// A directory name that changes with the compiler. Libraries are of use to none but the compiler that made them.
    pub(super) fn key(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.description.hash(&mut hasher);
        format!("{}-{:016x}", self.release, hasher.finish())
    }

    /// Whether the guest's target is installed.
    pub(super) fn target_library(&self) -> Result<(), Obstacle> {
        let dir = self.sysroot.join("lib/rustlib").join(TARGET).join("lib");
        let mut entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        if entries.any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-")) {
            Ok(())
        } else {
            Err(Obstacle::NotInstalled { path: dir })
        }
    }

    /// The library's source that was installed with the compiler.
    pub(super) fn source(&self) -> Result<PathBuf, Obstacle> {
        let library = self.sysroot.join("lib/rustlib/src/rust/library");
        if library.join("core/src/lib.rs").is_file() {
            Ok(library)
        } else {
            Err(Obstacle::NotInstalled { path: library })
        }
    }
}

fn rustc(workspace: &Path, args: &[&str]) -> Result<String, ImageError> {
    let output = Command::new("rustc").args(args).current_dir(workspace).output();
    let output = output.map_err(|source| ImageError::Start {
        program: "rustc".to_owned(),
        source,
    })?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(ImageError::Compiler {
            args: args.join(" "),
            status: output.status,
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}
