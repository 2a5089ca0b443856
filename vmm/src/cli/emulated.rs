//! Emulated machines: jobs that are done in them, and a whole command that is.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vmm::guest::{Description, Guest};
use vmm::image::{self, GuestImage};
use vmm::platform::{Choice, Emulation, EmulationError, Reason, SILENCE};
use vmm::scenario::Scenario;
use vmm::worker::pool::{End, Observer, Pool};
use vmm::worker::{EmulatedPool, Job};

use super::guest::GuestArgs;
use super::jobs::when_interrupted;
use super::{Shown, Status, show_failure};

/// How many times longer than others an exploration may compute without a word: it runs its scenario once for each schedule.
const EXPLORING_FACTOR: u32 = 6;

/// Where jobs are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workplace {
    /// On the KVM of this machine.
    Here,
    /// In an emulated machine.
    Emulated,
}

impl Workplace {
    /// What was chosen. That a machine is emulated is said, and why.
    pub(super) fn of(choice: &Choice) -> Workplace {
        match choice {
            Choice::Kvm(_) => Workplace::Here,
            Choice::Emulated(reason) => {
                announce(reason);
                Workplace::Emulated
            }
        }
    }

    /// Has jobs of one guest done, here by this pool; these are their scenarios.
    pub(super) fn run<'a>(
        self,
        pool: impl FnOnce() -> Result<Pool, Shown>,
        jobs: &[Job],
        scenarios: impl IntoIterator<Item = &'a Scenario>,
        observer: &mut dyn Observer,
    ) -> Result<End, Shown> {
        match self {
            Workplace::Here => Ok(pool()?.run(jobs, observer)),
            Workplace::Emulated => run(jobs, scenarios, observer),
        }
    }
}

/// Says that something runs in an emulated machine, and why.
pub(super) fn announce(reason: &Reason) {
    eprintln!("running in an emulated machine, which is slow, {reason}");
}

/// Says that a run begins anew in another machine.
pub(super) fn tell_anew(file: &str, because: &str) {
    eprintln!("{file} is begun anew: {because}");
}

/// Has jobs of one guest done in an emulated machine.
fn run<'a>(
    jobs: &[Job],
    scenarios: impl IntoIterator<Item = &'a Scenario>,
    observer: &mut dyn Observer,
) -> Result<End, Shown> {
    let Some(Job {
        description,
        image,
        slow,
        ..
    }) = jobs.first()
    else {
        return Ok(End::Complete);
    };
    let guest = Guest::new(description.clone(), image, &[]).map_err(|error| show_failure(&error))?;
    let explores = scenarios.into_iter().any(Scenario::explores);
    let longer = if explores { EXPLORING_FACTOR } else { 1 };
    let pool = EmulatedPool {
        files: files(&guest, image),
        silence: SILENCE * *slow * longer,
    };
    let end = pool.run(jobs, observer, &*interrupted()?, &*image::to_stderr());
    end.map_err(|error| show_failure(&error))
}

/// Becomes true when somebody interrupts the command.
fn interrupted() -> Result<Arc<AtomicBool>, Shown> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let interrupt = Arc::clone(&interrupted);
    when_interrupted(move || interrupt.store(true, Ordering::Relaxed))?;
    Ok(interrupted)
}

/// What a machine must have of this one for a guest to run there.
fn files(guest: &Guest, image: &GuestImage) -> Vec<PathBuf> {
    let image_dir = image.kernel.parent().unwrap_or(Path::new("/"));
    vec![image_dir.to_owned(), guest.kernel.clone(), guest.initrd.clone()]
}

/// Makes this command's own call in an emulated machine, with these files that it names.
pub(super) fn call(
    args: &GuestArgs,
    named: &[PathBuf],
    image: &GuestImage,
    description: Description,
) -> Result<Status, Shown> {
    let brings_kernel = description.kernel.is_some();
    let guest = Guest::new(description, image, &[]).map_err(|error| show_failure(&error))?;
    let mut files = files(&guest, image);
    files.extend(named.iter().cloned());
    files.extend(args.file().map(Path::to_owned));
    let emulation = machine(&files, &arguments(&files[0], brings_kernel.then_some(&guest)));
    let emulation = emulation.map_err(|error| show_failure(&error))?;
    let silence = SILENCE * args.slow;
    let status = emulation.run(silence, &*interrupted()?, &*image::to_stderr(), |piece| {
        let mut out = io::stdout().lock();
        // What nobody reads is lost, as it would be without a machine between.
        let _ = out.write_all(piece).and_then(|()| out.flush());
        ControlFlow::Continue(())
    });
    let status = status.map_err(|error| show_failure(&error))?;
    Ok(status.map_or(Status::CouldNotTell, Status::of_code))
}

/// The words of this call, and others by which what is made here of files is handed over by name, so that nothing is made there.
fn arguments(image_dir: &Path, other_guest: Option<&Guest>) -> Vec<String> {
    let mut arguments: Vec<String> = env::args_os().skip(1).map(text).collect();
    arguments.extend(["--platform".to_owned(), "kvm".to_owned()]);
    arguments.extend(["--added".to_owned(), "--image".to_owned(), text(image_dir)]);
    if let Some(guest) = other_guest {
        arguments.extend(["--kernel".to_owned(), text(&guest.kernel)]);
        // What is known by the files beside the kernel, which stay here.
        for offer in guest.description.offers.all() {
            arguments.extend(["--offers".to_owned(), offer.name().to_owned()]);
        }
    }
    arguments
}

fn machine(files: &[PathBuf], arguments: &[String]) -> Result<Emulation, EmulationError> {
    let emulation = Emulation::of(arguments.to_vec())?
        .with_variable("RINGSIDE_WORKSPACE", "/")
        .with_variable("RINGSIDE_CACHE", "/tmp");
    let mut emulation = match io::stdout().is_terminal() {
        true => emulation.with_variable("TERM", &env::var("TERM").unwrap_or_default()),
        false => emulation.with_variable("NO_COLOR", "1"),
    };
    for file in files {
        emulation.add(file)?;
    }
    Ok(emulation)
}

fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().to_string_lossy().into_owned()
}
