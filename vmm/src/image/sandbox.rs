//! Walls around compilers that read a stranger's code: bubblewrap, the system's or else Debian's package of it in the cache.
//!
//! A contained command sees the system's compilers, the Rust toolchain, the dependencies that cargo has fetched, and what it is to build;
//! it writes to its own cache alone. It has no network, no other process in sight, and an environment of its own. A time limit ends it with
//! all that it has started; limits of each of its processes bound processor time, memory and the size of files.
//!
//! The number of processes is bounded, too ([`ProcessBound`]). Where it is not, [`Sandbox::find`] tells it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use super::Progress;
use super::error::Attempt;
use super::processes::ProcessGroup;
use crate::debian::{self, tool};

/// Bubblewrap's program, its package in Debian, and its place there.
const BUBBLEWRAP: &str = "bwrap";
const PACKAGE: &str = "bubblewrap";
const IN_PACKAGE: &str = "usr/bin/bwrap";
/// Most processes and threads of a build; of an ordinary user's, all that the user has.
const MAX_PROCESSES: u64 = 1024;
const MAX_PROCESSES_OF_USER: u64 = 4096;
/// Longest file that a build writes, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// How `timeout` ends when the time is up.
pub(super) const OUT_OF_TIME: i32 = 124;
/// Parts of the system that compilers need, read-only.
const SYSTEM: [&str; 5] = [
    "/usr",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
];
/// Links of a system whose programs are all in `/usr`, or directories of one where they are not.
const ROOTS: [&str; 4] = ["/bin", "/lib", "/lib64", "/sbin"];

/// What a build may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BuildLimits {
    /// Seconds that it may take.
    pub build_seconds: u64,
    /// Memory of each of its processes in MiB.
    pub build_memory_mib: u64,
}

impl Default for BuildLimits {
    fn default() -> Self {
        Self {
            build_seconds: 600,
            build_memory_mib: 4096,
        }
    }
}

/// How a stranger's code is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Containment {
    /// In a sandbox.
    Sandbox,
    /// As if it were one's own.
    Unsafe,
}

/// There is no sandbox here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// Bubblewrap is not installed.
    #[error(
        "no sandbox to build submissions in: `bwrap` is not in PATH; install bubblewrap (Debian: apt install bubblewrap), or, when you \
         trust all submissions, build them without a sandbox with `--unsafe-build`; fetching it was tried in vain:{}",
        Attempt::told(attempts)
    )]
    NoBubblewrap {
        /// How it was to be fetched, each with the reason why it was not.
        attempts: Vec<Attempt>,
    },
    /// Bubblewrap is installed and does not work.
    #[error(
        "no sandbox to build submissions in: {} does not work here ({complaint}); user namespaces may be switched off \
         (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces); `--unsafe-build` builds without a sandbox", program.display()
    )]
    DoesNotWork {
        /// The program.
        program: PathBuf,
        /// What it says.
        complaint: String,
    },
}

/// A sandbox for one build.
#[derive(Clone, Debug)]
pub(super) struct Sandbox {
    bubblewrap: PathBuf,
    toolchain: PathBuf,
    cargo_home: PathBuf,
    /// Directories to read, and to write.
    pub(super) readable: Vec<PathBuf>,
    pub(super) writable: Vec<PathBuf>,
    pub(super) limits: BuildLimits,
    bound: ProcessBound,
}

/// What bounds the number of processes of a build.
#[derive(Clone, Debug)]
pub(crate) enum ProcessBound {
    /// The kernel's limit of a user's processes, which it does not apply to root.
    User,
    /// A control group.
    Group(Arc<ProcessGroup>),
    /// Nothing but the time limit.
    Nothing,
}

impl ProcessBound {
    /// The one that there is here.
    pub(crate) fn find() -> ProcessBound {
        if !geteuid().is_root() {
            return ProcessBound::User;
        }
        match ProcessGroup::of_at_most(MAX_PROCESSES) {
            Some(group) => ProcessBound::Group(Arc::new(group)),
            None => ProcessBound::Nothing,
        }
    }

    /// One of the same kind for a build of its own: what another build has does not count.
    fn own(&self) -> ProcessBound {
        match self {
            ProcessBound::Group(shared) => {
                let own = ProcessGroup::of_at_most(MAX_PROCESSES);
                ProcessBound::Group(own.map_or_else(|| Arc::clone(shared), Arc::new))
            }
            ProcessBound::User | ProcessBound::Nothing => self.clone(),
        }
    }
}

impl Sandbox {
    /// The same for another build.
    pub(super) fn for_a_build(&self) -> Sandbox {
        Sandbox {
            bound: self.bound.own(),
            ..self.clone()
        }
    }

    /// Whether builds that go on at the same time cannot take processes away from each other.
    pub(super) fn keeps_builds_apart(&self) -> bool {
        matches!(self.bound, ProcessBound::Group(_))
    }

    /// The sandbox of this system, or else Debian's in `cache`; it has been tried.
    pub(super) fn find(
        toolchain: &Path,
        cache: &Path,
        progress: &dyn Progress,
    ) -> Result<Sandbox, SandboxError> {
        let bubblewrap = match tool::find(BUBBLEWRAP) {
            Some(program) => program,
            None => debian::program(PACKAGE, IN_PACKAGE, cache, progress)
                .map_err(|attempts| SandboxError::NoBubblewrap { attempts })?,
        };
        let bound = ProcessBound::find();
        if let ProcessBound::Nothing = bound {
            progress.step(
                "no control group can be made here, so nothing but the time limit bounds how many processes a build has; \
                 an ordinary user has a limit",
            );
        }
        let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cargo");
        let sandbox = Sandbox {
            bubblewrap,
            toolchain: toolchain.to_owned(),
            cargo_home: env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from),
            readable: Vec::new(),
            writable: Vec::new(),
            limits: BuildLimits::default(),
            bound,
        };
        let tried = sandbox.contain(&Command::new("true")).output();
        let complaint = match tried {
            Ok(output) if output.status.success() => return Ok(sandbox),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        Err(SandboxError::DoesNotWork {
            program: sandbox.bubblewrap,
            complaint,
        })
    }

    /// The same command, inside.
    pub(super) fn contain(&self, command: &Command) -> Command {
        let BuildLimits {
            build_seconds,
            build_memory_mib,
        } = self.limits;
        let mut contained = Command::new("timeout");
        // In the foreground it ends when somebody ends the command at a terminal; all that it has started then ends with bubblewrap.
        contained.args([
            "--foreground",
            "--kill-after=5",
            &build_seconds.to_string(),
            "prlimit",
        ]);
        contained.args([
            format!("--cpu={build_seconds}"),
            format!("--data={}", build_memory_mib << 20),
            format!("--fsize={MAX_FILE_BYTES}"),
            format!("--nproc={MAX_PROCESSES_OF_USER}"),
            "--core=0".to_owned(),
        ]);
        contained.arg(&self.bubblewrap);
        contained.args([
            "--unshare-all",
            "--die-with-parent",
            "--new-session",
            "--clearenv",
        ]);
        contained.args(["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]);
        for path in SYSTEM.iter().map(Path::new) {
            contained.arg("--ro-bind-try").args([path, path]);
        }
        for path in ROOTS.iter().map(Path::new) {
            match path.read_link() {
                Ok(target) => contained.arg("--symlink").arg(target).arg(path),
                Err(_) => contained.arg("--ro-bind-try").args([path, path]),
            };
        }
        let registry = self.cargo_home.join("registry");
        for path in [&self.toolchain, &registry].into_iter().chain(&self.readable) {
            contained.arg("--ro-bind-try").args([path, path]);
        }
        for path in &self.writable {
            contained.arg("--bind").args([path, path]);
        }
        let mut search = self.toolchain.join("bin").into_os_string();
        search.push(":/usr/bin:/bin");
        let own: [(&OsStr, OsString); 5] = [
            ("PATH".as_ref(), search),
            ("HOME".as_ref(), "/tmp".into()),
            ("LC_ALL".as_ref(), "C.UTF-8".into()),
            ("CARGO_HOME".as_ref(), self.cargo_home.clone().into()),
            ("CARGO_NET_OFFLINE".as_ref(), "true".into()),
        ];
        let of_command = command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?.to_owned())));
        for (name, value) in own.into_iter().chain(of_command) {
            contained.arg("--setenv").arg(name).arg(value);
        }
        if let Some(dir) = command.get_current_dir() {
            contained.arg("--chdir").arg(dir);
        }
        contained
            .arg("--")
            .arg(command.get_program())
            .args(command.get_args());
        match &self.bound {
            ProcessBound::Group(group) => group.containing(&contained),
            ProcessBound::User | ProcessBound::Nothing => contained,
        }
    }
}
