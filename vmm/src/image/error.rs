//! Why there is no guest image.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// What can go wrong between the guest's sources and its image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The command runs away from its workspace.
    #[error(
        "no guest sources in {} (found no {missing} there); set RINGSIDE_WORKSPACE to a checkout, or give a built image with --image",
        .workspace.display()
    )]
    NoSources {
        /// Where the workspace was expected.
        workspace: PathBuf,
        /// The entry that was not there.
        missing: &'static str,
    },
    /// A directory given as an image, or found in the cache, lacks a part.
    #[error("{} is not a guest image: it has no {missing}", .dir.display())]
    Incomplete {
        /// The directory.
        dir: PathBuf,
        /// The part.
        missing: &'static str,
    },
    /// A file operation in the sources or in the cache failed.
    #[error("cannot {action} {}", .path.display())]
    File {
        /// What was to be done, as a verb.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A program of the toolchain does not start.
    #[error("cannot run {program}")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// `rustc` does not answer a question about itself.
    #[error("rustc {args} failed ({status}):\n{output}")]
    Compiler {
        /// The question.
        args: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        output: String,
    },
    /// `rustc -vV` printed something else than expected.
    #[error("rustc -vV names no {field}:\n{output}")]
    UnknownCompiler {
        /// The line that was looked for.
        field: &'static str,
        /// All of the output.
        output: String,
    },
    /// A stranger's code is not to be built here.
    #[error(transparent)]
    Sandbox(#[from] super::SandboxError),
    /// No `core` library for the guest's target, and no way to make one.
    #[error("{0}")]
    NoCore(NoCore),
    /// A guest crate does not compile.
    #[error("{package} does not build ({status}):\n{}", .diagnostics.trim_end())]
    Compile {
        /// The crate.
        package: String,
        /// How cargo ended.
        status: ExitStatus,
        /// What cargo and the compiler said, as they said it.
        diagnostics: String,
    },
    /// The C compiler does not start.
    #[error(
        "cannot run the C compiler `{compiler}`; install one with a static libc (Debian: gcc, libc6-dev), or name one in CC"
    )]
    NoCCompiler {
        /// Its name and own arguments.
        compiler: String,
        /// Why not.
        source: io::Error,
    },
    /// A C program does not compile or link.
    #[error("{} does not build with `{compiler}` ({status}):\n{}", .source_file.display(), .diagnostics.trim_end())]
    CompileC {
        /// The program.
        source_file: PathBuf,
        /// The compiler's name and own arguments.
        compiler: String,
        /// How the compiler ended.
        status: ExitStatus,
        /// What it said, as it said it.
        diagnostics: String,
    },
    /// The folder of a module's sources cannot be the name of a crate.
    #[error(
        "`{name}` is no name for a module: expected a lower-case letter, and then lower-case letters, digits, `-` and `_`"
    )]
    ModuleName {
        /// The folder's name.
        name: String,
    },
    /// A guest crate compiles, but to no program.
    #[error("{package} has no binary target{}", .wanted.map(|name| format!(" named {name}")).unwrap_or_default())]
    NoBinary {
        /// The crate.
        package: &'static str,
        /// The name that was looked for; any would do if absent.
        wanted: Option<&'static str>,
    },
}

impl ImageError {
    /// For `map_err` on a file operation.
    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}

/// What was tried to get a `core` library, in order.
#[derive(Debug)]
pub struct NoCore {
    /// The compiler that it would be for, as in `1.95.0`.
    pub release: String,
    /// Each way with the reason why it did not work.
    pub attempts: Vec<Attempt>,
}

/// One way to a file that this machine lacks, and why it was no way.
#[derive(Debug)]
pub struct Attempt {
    /// What was tried.
    pub way: String,
    /// Why it did not work.
    pub reason: Obstacle,
}

impl Attempt {
    /// A line for each.
    pub(crate) fn told(attempts: &[Attempt]) -> String {
        let lines = attempts.iter().map(|Attempt { way, reason }| {
            let reason = reason.to_string().trim().replace('\n', "\n    ");
            format!("\n  {way}: {reason}")
        });
        lines.collect()
    }
}

/// Why a way to a file that this machine lacks was no way.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    /// A part of the toolchain is not there.
    #[error("not installed: {}", .path.display())]
    NotInstalled {
        /// Where it would be.
        path: PathBuf,
    },
    /// The system is not one that gets its packages from a Debian mirror.
    #[error("no Debian mirror among the package sources in {}", .etc.display())]
    NoMirror {
        /// Where package sources were looked for.
        etc: PathBuf,
    },
    /// A suite has the package, if at all, in other versions.
    #[error("has {package} in {}, not {wanted}", if .found.is_empty() { "no version".to_owned() } else { .found.join(", ") })]
    NoVersion {
        /// The package.
        package: &'static str,
        /// Versions that the suite has.
        found: Vec<String>,
        /// The upstream version that was looked for.
        wanted: String,
    },
    /// A package holds something else than expected.
    #[error("{package} has no {missing}")]
    Package {
        /// The package with its version.
        package: String,
        /// What it should contain.
        missing: &'static str,
    },
    /// A program failed.
    #[error("{program} failed ({status}):\n{output}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error.
        output: String,
    },
    /// A program does not start.
    #[error("cannot run {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// A file operation failed.
    #[error("{}: {source}", .path.display())]
    File {
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl Obstacle {
    /// For `map_err` on a file operation.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

impl fmt::Display for NoCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the guest is built for {}, and there is no core library of rustc {} for it{}",
            super::TARGET,
            self.release,
            Attempt::told(&self.attempts)
        )?;
        write!(
            f,
            "\ninstall the target (`rustup target add {}`) or the library's source (`rustup component add rust-src`)",
            super::TARGET
        )
    }
}
