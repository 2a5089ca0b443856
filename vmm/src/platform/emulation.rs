//! The emulated machine, from outside: what goes into it, and how QEMU runs it.

use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};

use super::archive::Archive;
use super::inside::{CALL, Call, MODULES, PROGRAM, SUBCOMMAND};
use super::libraries;
use super::watch::{self, End, Piece, Watched};
use crate::debian::{self, NoKernel};
use crate::image::{self, ImageError, Progress};
use crate::kernel_file::{Modules, ModulesError};

/// The module for processors with SVM, which is what QEMU emulates.
const KVM: &str = "kvm_amd";
const QEMU: &str = "qemu-system-x86_64";
/// Memory of the machine in MiB besides what its files take, which is twice their length while they are unpacked.
const MEMORY_MIB: u64 = 1024;
/// Processor time that QEMU may use without a word from the call. A Linux boots in seconds of it, and the longest scenario takes minutes.
pub const SILENCE: Duration = Duration::from_secs(10 * 60);
/// File descriptor on which QEMU gets a stream for what is told on the side.
const SIDE_FD: i32 = 3;

/// The emulated machine cannot be made, or has not said how it went.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulationError {
    /// A file operation failed.
    #[error("cannot {action} {}: {source}", .path.display())]
    File {
        /// What was to be done, as a verb.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// This process does not know itself.
    #[error("cannot find out what this command consists of: {0}")]
    Program(io::Error),
    /// There is no place for a kernel.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// There is no kernel for the machine.
    #[error(transparent)]
    NoKernel(#[from] NoKernel),
    /// The kernel for the machine comes without KVM.
    #[error(transparent)]
    Modules(#[from] ModulesError),
    /// There is no QEMU.
    #[error("cannot run {QEMU}, which emulates a machine: {0}; install it (Debian: qemu-system-x86)")]
    NoQemu(io::Error),
    /// The machine ended before it was done.
    #[error("the emulated machine ended ({status}) before the scenarios were done")]
    Ended {
        /// How QEMU ended.
        status: ExitStatus,
    },
    /// The machine said that it was done, and was not.
    #[error("the emulated machine ended without a result of every scenario; what it said is above")]
    Unfinished,
    /// Somebody ended the call.
    #[error("interrupted: the emulated machine was ended before the scenarios were done")]
    Interrupted,
    /// The machine computes and gets nowhere.
    #[error(
        "the emulated machine was killed: QEMU used {} min of processor time without a word from the call, so it hangs; \
         call again, or with --slow if it takes so long",
        .silence.as_secs() / 60
    )]
    Silent {
        /// The processor time that it used since its last output.
        silence: Duration,
    },
}

impl EmulationError {
    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmulationError {
        let path = path.to_owned();
        move |source| EmulationError::File { action, path, source }
    }
}

/// A call of this command, as it will be made in the machine.
#[derive(Debug)]
pub struct Emulation {
    archive: Archive,
    call: Call,
}

impl Emulation {
    /// A call with these arguments, in the same folder as here. The command's environment is empty there.
    ///
    /// # Errors
    /// There is no such folder any more.
    pub fn of(arguments: Vec<String>) -> Result<Emulation, EmulationError> {
        let folder = std::env::current_dir().map_err(EmulationError::file("find", Path::new(".")))?;
        let mut archive = Archive::default();
        archive.folder(&folder);
        Ok(Emulation {
            archive,
            call: Call {
                arguments,
                folder,
                variables: Vec::new(),
            },
        })
    }

    /// Sets a variable of the call's environment, which has no others.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Emulation {
        self.call.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts a file with these contents at an absolute path.
    pub fn add_contents(&mut self, path: &Path, contents: Vec<u8>) {
        self.archive.file(path, contents);
    }

    /// Puts a file, or a folder with all that is in it, where it lies here.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn add(&mut self, path: &Path) -> Result<(), EmulationError> {
        let path = std::path::absolute(path).map_err(EmulationError::file("find", path))?;
        self.archive.copy(&path)
    }

    /// Runs the machine to its end, or until it is `interrupted`, and gives the call's exit status. What the call prints is heard in pieces, as it
    /// comes; there is no status when whoever hears it breaks off. QEMU may use this much processor time without a word.
    ///
    /// # Errors
    /// A part of it cannot be had, it ends without a status, it hangs, or is interrupted.
    pub fn run(
        mut self,
        silence: Duration,
        interrupted: &AtomicBool,
        progress: &dyn Progress,
        hear: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<Option<u8>, EmulationError> {
        let kernel = debian::kernel(&image::cache()?, progress)?;
        self.add_program()?;
        for (number, module) in (0_u32..).zip(Modules::in_folder(&kernel.modules).for_names(&[KVM])?) {
            let path = Path::new(MODULES).join(format!("{number:02}"));
            self.archive.file(&path, module);
        }
        for folder in ["/dev", "/proc", "/sys", "/tmp"] {
            self.archive.folder(Path::new(folder));
        }
        let call = serde_json::to_vec(&self.call).expect("a call consists of texts");
        self.archive.file(Path::new(CALL), call);

        let work = tempfile::tempdir().map_err(EmulationError::file("write to", Path::new("/tmp")))?;
        let (initramfs, status) = (work.path().join("initramfs"), work.path().join("status"));
        let file = File::create(&initramfs).map_err(EmulationError::file("write", &initramfs))?;
        self.archive
            .write(io::BufWriter::new(file))
            .map_err(EmulationError::file("write", &initramfs))?;
        let memory_mib = MEMORY_MIB + 2 * (self.archive.len_bytes() >> 20);
        let qemu = start_qemu(&kernel.file, &initramfs, memory_mib, &status)?;
        let ended = match qemu.wait(silence, interrupted, hear) {
            Ok(End::Itself(ended)) => ended,
            Ok(End::Enough) => return Ok(None),
            Ok(End::Silent) => return Err(EmulationError::Silent { silence }),
            Ok(End::Interrupted) => return Err(EmulationError::Interrupted),
            Err(error) => return Err(EmulationError::NoQemu(error)),
        };
        let status = fs::read_to_string(&status).unwrap_or_default();
        let status = status.trim().parse();
        status
            .map(Some)
            .map_err(|_| EmulationError::Ended { status: ended })
    }

    fn add_program(&mut self) -> Result<(), EmulationError> {
        let program = libraries::own_program().map_err(EmulationError::Program)?;
        self.archive.file(Path::new(PROGRAM), program.contents);
        program
            .libraries
            .iter()
            .try_for_each(|library| self.archive.copy(library))
    }
}

/// What the machine's kernel is told. Without timers of high resolution the machine's clock is programmed for its ticks only, 4 ms apart, so
/// no timer expires just after an interrupt was injected into a guest. QEMU (`helper_vmrun`, read in 7.2) leaves the vector of an injected
/// interrupt in `exception_index`, and where a timer stops the processor before the guest's next exit, the main loop delivers it once more,
/// whatever the guest has masked: its kernel then waits for a lock that it holds itself.
const KERNEL_OPTIONS: &str = "console=ttyS0 quiet loglevel=3 panic=-1 8250.nr_uarts=4 highres=off";

/// The machine has three serial ports: what the kernel logs and what is told on the side goes to standard error, what the call prints comes
/// in pieces, and its status goes to a file.
fn start_qemu(
    kernel: &Path,
    initramfs: &Path,
    memory_mib: u64,
    status: &Path,
) -> Result<Watched, EmulationError> {
    let (side, side_fd) = io::pipe().map_err(EmulationError::NoQemu)?;
    let mut qemu = Command::new(QEMU);
    qemu.args(["-machine", "pc", "-accel", "tcg", "-cpu", "max"])
        // The machine's clock counts instructions. Without that, the host's clock stops the processor at any time, with what is said above.
        .args(["-icount", "shift=1,sleep=off"])
        .args(["-m", &memory_mib.to_string()])
        .args([
            "-no-reboot",
            "-nodefaults",
            "-display",
            "none",
            "-monitor",
            "none",
        ])
        .args(["-add-fd", &format!("fd={SIDE_FD},set=1")])
        .args(["-chardev", "file,id=side,path=/dev/fdset/1,append=on"])
        .args(["-serial", "chardev:side", "-serial", "stdio"])
        .arg("-serial")
        .arg(format!("file:{}", status.display()))
        .arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(initramfs)
        .arg("-append")
        .arg(format!("{KERNEL_OPTIONS} rdinit={PROGRAM} -- {SUBCOMMAND}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let side_fd = FdMapping {
        parent_fd: side_fd.into(),
        child_fd: SIDE_FD,
    };
    qemu.fd_mappings(vec![side_fd])
        .map_err(|error| EmulationError::NoQemu(io::Error::other(error)))?;
    let mut process = qemu.spawn().map_err(EmulationError::NoQemu)?;
    // Its copy of the pipe for the side must not stay open here, or the pipe would never end.
    drop(qemu);
    let output = process.stdout.take().expect("the output is a pipe");
    let (sender, printed) = mpsc::channel();
    watch::send(output, sender.clone(), Piece::Output);
    watch::send(side, sender, Piece::Side);
    Ok(Watched { process, printed })
}
