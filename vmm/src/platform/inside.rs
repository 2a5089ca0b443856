//! The first program of the emulated machine, which is this command: makes KVM, makes the call, says how it went, and ends the machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::mount::{MountFlags, mount};
use rustix::system::{RebootCommand, finit_module, reboot};
use rustix::termios::{OptionalActions, tcdrain, tcgetattr, tcsetattr};
use serde::{Deserialize, Serialize};

/// Where things lie in the machine.
pub(super) const PROGRAM: &str = "/ringside/vmm";
pub(super) const CALL: &str = "/ringside/call.json";
pub(super) const MODULES: &str = "/ringside/modules";
/// What the kernel gives this command as its argument.
pub(super) const SUBCOMMAND: &str = "emulated-init";

/// Serial ports: for what is told on the side, for what the call prints, and for its status.
const SIDE: &str = "/dev/ttyS0";
const OUTPUT: &str = "/dev/ttyS1";
const STATUS: &str = "/dev/ttyS2";

/// A call of this command.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) arguments: Vec<String>,
    pub(super) folder: PathBuf,
    pub(super) variables: Vec<(String, String)>,
}

/// What the first program cannot do.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {source}")]
pub struct InsideError {
    action: String,
    source: io::Error,
}

fn failed<E: Into<io::Error>>(action: impl Into<String>) -> impl FnOnce(E) -> InsideError {
    move |error| InsideError {
        action: action.into(),
        source: error.into(),
    }
}

/// Does all that there is to do in the machine. Ends the machine, and returns only if something went wrong.
///
/// # Errors
/// This is not such a machine, or it lacks something.
pub fn inside() -> Result<(), InsideError> {
    if std::process::id() != 1 {
        let source = io::Error::other("it is not the first program of a machine");
        return Err(failed("begin")(source));
    }
    // The root is memory that can be written to, and files of the call may lie in its `/tmp`.
    for (kind, place) in [("devtmpfs", "/dev"), ("proc", "/proc"), ("sysfs", "/sys")] {
        mount(kind, place, kind, MountFlags::empty(), None).map_err(failed(format!("mount {place}")))?;
    }
    load_modules()?;
    let status = call()?;
    let mut port = terminal(STATUS)?;
    writeln!(port, "{status}").map_err(failed("say how it went"))?;
    tcdrain(&port).map_err(failed("say how it went"))?;
    reboot(RebootCommand::Restart).map_err(failed("end the machine"))
}

fn load_modules() -> Result<(), InsideError> {
    let entries = fs::read_dir(MODULES).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<PathBuf> = entries
        .map_err(failed("list the modules"))?
        .iter()
        .map(fs::DirEntry::path)
        .collect();
    paths.sort();
    for path in paths {
        let file = File::open(&path).map_err(failed("read a module"))?;
        finit_module(&file, c"", 0).map_err(failed(format!("load the module {}", path.display())))?;
    }
    Ok(())
}

/// Makes the call, and gives its exit status: 4, the status for what cannot be told, when a signal ended it.
fn call() -> Result<i32, InsideError> {
    const CANNOT_TELL: i32 = 4;
    let text = fs::read(CALL).map_err(failed("read the call"))?;
    let call: Call = serde_json::from_slice(&text).map_err(failed("read the call"))?;
    let output = terminal(OUTPUT)?;
    let side = terminal(SIDE)?;
    let status = Command::new(PROGRAM)
        .args(&call.arguments)
        .current_dir(&call.folder)
        .env_clear()
        .envs(call.variables)
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(failed("begin the call"))?)
        .stderr(side)
        .status()
        .map_err(failed("make the call"))?;
    tcdrain(&output).map_err(failed("print"))?;
    Ok(status.code().unwrap_or(CANNOT_TELL))
}

/// A serial port that passes bytes on unchanged.
fn terminal(path: &str) -> Result<File, InsideError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(Path::new(path))
        .map_err(failed(format!("open {path}")))?;
    let mut mode = tcgetattr(&file).map_err(failed(format!("set {path}")))?;
    mode.make_raw();
    tcsetattr(&file, OptionalActions::Now, &mode).map_err(failed(format!("set {path}")))?;
    Ok(file)
}
