//! Apt with a configuration of our own: its lists, caches and sources are ours, so nothing of the system's is written
//! and no privilege is needed. Proxies, credentials and keys are the system's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::mirrors::Mirror;
use super::tool;
use crate::image::Obstacle;

pub(crate) struct Apt {
    dir: PathBuf,
    config: PathBuf,
}

impl Apt {
    /// An apt that knows `suites` of `mirror` and nothing else, with its files in `dir`.
    pub(crate) fn for_suites(mirror: &Mirror, suites: &[String], dir: &Path) -> Result<Self, Obstacle> {
        let apt = Self {
            dir: dir.to_owned(),
            config: dir.join("apt.conf"),
        };
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Obstacle::file(dir)(error));
            }
            _ => {}
        }
        for subdirectory in ["lists/partial", "cache/archives/partial", "packages"] {
            let path = dir.join(subdirectory);
            fs::create_dir_all(&path).map_err(Obstacle::file(&path))?;
        }
        let sources = dir.join("debian.sources");
        fs::write(&sources, mirror.to_deb822(suites)).map_err(Obstacle::file(&sources))?;
        fs::write(&apt.config, config(dir)).map_err(Obstacle::file(&apt.config))?;
        Ok(apt)
    }

    /// Fetches the suites' lists of packages.
    pub(crate) fn update(&self) -> Result<(), Obstacle> {
        tool::run(self.command("apt-get").args(["update", "--error-on=any"])).map(drop)
    }

    /// All versions of a package that the suites have.
    pub(crate) fn versions(&self, package: &str) -> Result<Vec<String>, Obstacle> {
        let table = tool::run(self.command("apt-cache").args(["madison", package]))?;
        Ok(table
            .lines()
            .filter_map(|line| line.split('|').nth(1))
            .map(|field| field.trim().to_owned())
            .collect())
    }

    /// The first package that a package, such as one that stands for the newest of its kind, depends on; None when the suites do not have
    /// it.
    pub(crate) fn stands_for(&self, package: &str) -> Result<Option<String>, Obstacle> {
        if self.versions(package)?.is_empty() {
            return Ok(None);
        }
        let mut depends = self.command("apt-cache");
        depends.args(["depends", "--important", package]);
        let lines = tool::run(&mut depends)?;
        let mut names = lines
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "));
        Ok(names.next().map(str::to_owned))
    }

    /// Fetches a package and unpacks it into `target`.
    pub(crate) fn unpack(&self, package: &str, version: &str, target: &Path) -> Result<(), Obstacle> {
        let packages = self.dir.join("packages");
        let mut download = self.command("apt-get");
        download
            .arg("download")
            .arg(format!("{package}={version}"))
            .current_dir(&packages);
        tool::run(&mut download)?;
        let entries = fs::read_dir(&packages).map_err(Obstacle::file(&packages))?;
        let file = entries
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|e| e == "deb"));
        let file = file.ok_or(Obstacle::Package {
            package: format!("{package} {version}"),
            missing: "file",
        })?;
        tool::run(Command::new("dpkg-deb").arg("--extract").arg(file).arg(target)).map(drop)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .arg("--config-file")
            .arg(&self.config)
            .arg("--quiet=2")
            .env("LC_ALL", "C.UTF-8");
        command
    }
}

fn config(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        r#"Dir::Etc::SourceList "{dir}/debian.sources";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "{dir}/lists/";
Dir::Cache "{dir}/cache/";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
// The user that apt drops to as root may not be able to enter our directory.
APT::Sandbox::User "root";
// Hooks are for updates of the system, which this is not.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"#
    )
}
