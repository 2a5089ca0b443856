//! A bound on how many processes a build has, for root: the kernel's control group `pids`.
//!
//! For an ordinary user the limit of processes (`RLIMIT_NPROC`) does it, which the kernel does not apply to root.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where control groups are mounted.
const CGROUPS: &str = "/sys/fs/cgroup";
/// Puts itself into the group that its first argument is, and becomes the command that the others are.
const ENTER: &str = r#"echo $$ > "$0/cgroup.procs" && exec "$@""#;

/// A control group with a bound; it goes away when no process is left in it and this is dropped.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    folder: PathBuf,
}

impl ProcessGroup {
    /// A group of at most so many processes; None where no group can be made, which an ordinary user may seldom do.
    pub(super) fn of_at_most(processes: u64) -> Option<ProcessGroup> {
        let parents = parents(Path::new(CGROUPS));
        parents.iter().find_map(|parent| make(parent, processes).ok())
    }

    /// The same command, in the group.
    pub(super) fn containing(&self, command: &Command) -> Command {
        let mut contained = Command::new("sh");
        contained.args(["-c", ENTER]).arg(&self.folder);
        contained.arg(command.get_program()).args(command.get_args());
        contained
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // One that stays has no process and costs nothing.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Folders in which a group may be made: of the controller's own hierarchy (version 1), or of the one for all (version 2).
fn parents(cgroups: &Path) -> Vec<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path_of = |controller: &str| {
        let mut lines = own.lines().map(|line| line.splitn(3, ':').skip(1));
        let path = lines.find_map(|mut fields| {
            let controllers = fields.next()?;
            let path = fields.next()?;
            let is_it = controllers.split(',').any(|name| name == controller);
            is_it.then_some(path)
        });
        path.unwrap_or("/").trim_start_matches('/').to_owned()
    };
    let version_1 = cgroups.join("pids").join(path_of("pids"));
    // A group of version 2 with processes of its own may have no groups in it, unless it is the root.
    vec![version_1, cgroups.join(path_of("")), cgroups.to_owned()]
}

fn make(parent: &Path, processes: u64) -> io::Result<ProcessGroup> {
    let prefix = format!("ringside-{}-", std::process::id());
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent)?;
    // From here on its own `drop` removes it: the files in it are the kernel's.
    let group = ProcessGroup {
        folder: folder.keep(),
    };
    let limit = group.folder.join("pids.max");
    if !limit.is_file() {
        return Err(io::Error::other("this hierarchy does not count processes"));
    }
    fs::write(limit, processes.to_string())?;
    Ok(group)
}
