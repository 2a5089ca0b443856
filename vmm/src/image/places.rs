//! Where the sources are, and where everything that is made of them goes.

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::sandbox::{OUT_OF_TIME, Sandbox};
use super::{GuestCrate, ImageError, ImageKind};

/// Environment variable: the workspace to build the guest from, in place of the one that the VMM was built in.
const WORKSPACE_VARIABLE: &str = "RINGSIDE_WORKSPACE";
/// Environment variable: the cache directory, in place of `target/guest` in the workspace.
const CACHE_VARIABLE: &str = "RINGSIDE_CACHE";

/// The directory in the user's cache where there are no sources.
const CACHE_NAME: &str = "ringside";

/// The two directories that the builder knows; all others are below them.
pub(super) struct Places {
    pub(super) workspace: PathBuf,
    pub(super) cache: PathBuf,
    /// What compilers run in; None for sources that are trusted.
    pub(super) sandbox: Option<Sandbox>,
}

/// The cache directory. A command that was installed has no sources to keep it beside.
pub(super) fn cache() -> Result<PathBuf, ImageError> {
    Places::find().map(|places| places.cache).or_else(|no_sources| {
        let named = env::var_os(CACHE_VARIABLE).map(PathBuf::from);
        let users = || Some(PathBuf::from(env::var_os("XDG_CACHE_HOME")?).join(CACHE_NAME));
        let homes = || {
            Some(
                PathBuf::from(env::var_os("HOME")?)
                    .join(".cache")
                    .join(CACHE_NAME),
            )
        };
        let found = named.or_else(users).or_else(homes);
        found.filter(|cache| cache.is_absolute()).ok_or(no_sources)
    })
}

impl Places {
    pub(super) fn find() -> Result<Self, ImageError> {
        let built_in = || Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let workspace = env::var_os(WORKSPACE_VARIABLE).map_or_else(built_in, PathBuf::from);
        let workspace = workspace.canonicalize().map_err(|_| ImageError::NoSources {
            workspace: workspace.clone(),
            missing: "directory",
        })?;
        let cache = env::var_os(CACHE_VARIABLE).map_or_else(|| workspace.join("target/guest"), PathBuf::from);
        // Compilers run in the workspace, so a path relative to here would mean another place to them.
        let cache = std::path::absolute(&cache).map_err(ImageError::file("resolve", &cache))?;
        Ok(Self {
            workspace,
            cache,
            sandbox: None,
        })
    }

    /// The command as it may be run on these sources.
    pub(super) fn contained(&self, command: Command) -> Command {
        match &self.sandbox {
            Some(sandbox) => sandbox.contain(&command),
            None => command,
        }
    }

    /// What a compiler said, and that it was ended if it was.
    pub(super) fn diagnostics(&self, output: &Output) -> String {
        let said = String::from_utf8_lossy(&output.stderr);
        match &self.sandbox {
            Some(sandbox) if output.status.code() == Some(OUT_OF_TIME) => {
                format!("{said}it was ended after {} s", sandbox.limits.build_seconds)
            }
            Some(_) | None => said.into_owned(),
        }
    }

    /// Finished images.
    pub(super) fn images(&self) -> PathBuf {
        self.cache.join("images")
    }

    pub(super) fn image(&self, kind: ImageKind, key: &str) -> PathBuf {
        self.images().join(format!("{}-{key}", kind.name()))
    }

    /// Files of a build in progress. What is found here while no build runs is left over from one that was killed.
    pub(super) fn work(&self) -> PathBuf {
        self.cache.join("work")
    }

    /// Sysroots with `core` and `alloc` for the guest's target, one for each compiler.
    pub(super) fn sysroots(&self) -> PathBuf {
        let sysroots = self.cache.join("sysroots");
        // A submission's cache has a link there. Cargo compiles everything anew when a path in its flags differs.
        sysroots.canonicalize().unwrap_or(sysroots)
    }

    /// Cargo's target directory for one guest crate.
    pub(super) fn cargo_target(&self, package: &str) -> PathBuf {
        self.cache.join("cargo").join(package)
    }

    /// Compiled modules. Cargo does not know them, so each workspace that uses the cache has its own: one must not find
    /// another's.
    pub(super) fn module_objects(&self) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        self.workspace.hash(&mut hasher);
        let objects = self.cargo_target(GuestCrate::Modules.package()).join("objects");
        objects.join(format!("{:016x}", hasher.finish()))
    }

    /// Compiled C programs.
    pub(super) fn c_programs(&self) -> PathBuf {
        self.cache.join("c")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.cache.join("lock")
    }
}
