//! A run that waits for a debugger.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::LazyLock;

use vmm::image::{self, GuestImage, ImageKind};

static IMAGE: LazyLock<GuestImage> =
    LazyLock::new(|| image::ensure(ImageKind::Shipped, &*image::to_stderr()).unwrap());

/// `vmm run --gdb`, from when it waits on.
pub(crate) struct Run {
    command: Child,
    stderr: BufReader<ChildStderr>,
    /// Where a debugger connects: an address, or the path of a socket.
    pub(crate) place: String,
    told: String,
}

/// What came of it.
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// A scenario of this project's, with a debugger waited for at `place`.
    pub(crate) fn of(scenario: &str, place: &str) -> Run {
        let mut command = vmm(&["--gdb", place, &format!("scenarios/{scenario}.json")]);
        let mut command = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(command.stderr.take().unwrap());
        let mut told = String::new();
        let place = loop {
            let before = told.len();
            assert_ne!(
                stderr.read_line(&mut told).unwrap(),
                0,
                "nobody is waited for: {told}"
            );
            if let Some((_, target)) = told[before..].split_once("'target remote ") {
                break target.split_once('\'').unwrap().0.to_owned();
            }
        };
        Run {
            command,
            stderr,
            place,
            told,
        }
    }

    /// What it has said so far on standard error.
    pub(crate) fn told(&self) -> &str {
        &self.told
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let mut stdout = String::new();
        // Standard error holds a few lines at most: nobody waits for it to be read.
        let mut pipe = self.command.stdout.take().unwrap();
        pipe.read_to_string(&mut stdout).unwrap();
        self.stderr.read_to_string(&mut self.told).unwrap();
        Ended {
            status: self.command.wait().unwrap().code(),
            stdout,
            stderr: self.told,
        }
    }
}

/// `vmm run` with this project's guest.
pub(crate) fn vmm(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    let image = IMAGE.kernel.parent().unwrap();
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
        .arg("run")
        .arg("--image")
        .arg(image)
        .args(args);
    command
}

/// The file with the kernel's symbols.
pub(crate) fn kernel() -> PathBuf {
    IMAGE.kernel.clone()
}
