//! `vmm run`: scenarios to verdicts.

use std::path::{Path, PathBuf};

use clap::Args;
use vmm::guest::{Description, Guest, ringside};
use vmm::image::{self, GuestImage, ImageKind};
use vmm::journal::{Entry, Reader, tell_run};
use vmm::promise::{NoSuchPromise, Promise};
use vmm::report::text::{Detail, Length};
use vmm::report::{Explored, Origin, Verdict};
use vmm::scenario::{self, Scenario, ScenarioName};

use super::formats::FormatArgs;
use super::{Shown, Status, parse_all, show, show_as, show_diagnostic, show_failure};

/// What to run, and how to tell about it.
#[derive(Args)]
pub(super) struct RunArgs {
    /// Scenario files, or folders of them.
    #[arg(value_name = "FILE")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    formats: FormatArgs,
    /// Show every step of passing scenarios too when there are several.
    #[arg(long, short)]
    verbose: bool,
    /// Show only verdicts.
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Use this guest image (a directory with `kernel`, `initrd` and `programs`) instead of building one.
    #[arg(long, value_name = "DIR")]
    image: Option<PathBuf>,
    /// Show what became of each process: a Mermaid state diagram after each report.
    #[arg(long)]
    states: bool,
    /// Show what the kernel logged, after each report.
    #[arg(long)]
    log: bool,
    /// If exploring schedules finds one that breaks a rule, write it to this file, as a scenario that follows it.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Which guest: `ringside`, this project's own, or a file that describes another one (see `docs/guests.md`).
    #[arg(long, value_name = "GUEST", default_value = RINGSIDE)]
    guest: String,
    /// Make it an error when a rule is not judged, because the guest does not promise the report that it needs: `all`, or the name
    /// of a report. May be given more than once.
    #[arg(long, value_name = "REPORT", value_parser = required)]
    require: Vec<Required>,
    /// Add a word to the kernel command line.
    #[arg(long = "option", value_name = "KEY=VALUE")]
    options: Vec<String>,
    /// Give the host N times as long. A guest's own budget, its processor time, stays the same: this is for machines on which a run
    /// ends as broken because the host is too slow, or on which servers of the host take longer than a scenario's `answer_ms`.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    slow: u32,
}

/// The name of this project's own guest.
const RINGSIDE: &str = "ringside";

/// Reports that must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Required {
    All,
    One(Promise),
}

fn required(text: &str) -> Result<Required, NoSuchPromise> {
    match text {
        "all" => Ok(Required::All),
        name => name.parse().map(Required::One),
    }
}

impl RunArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    fn required(&self) -> Vec<Promise> {
        let reports = self.require.iter().flat_map(|required| match required {
            Required::All => Promise::ALL.to_vec(),
            Required::One(promise) => vec![*promise],
        });
        reports.collect()
    }

    /// How much text tells of each of so many scenarios.
    fn length(&self, scenarios: usize) -> Length {
        let detail = if self.verbose || scenarios == 1 {
            Detail::Full
        } else {
            Detail::Verdict
        };
        match (self.quiet, self.log) {
            (true, _) => Length::Quiet,
            (false, false) => Length::Told(detail),
            (false, true) => Length::WithLog(detail),
        }
    }

    /// Where a scenario came from.
    fn origin(&self, file: &Path, scenario: &Scenario) -> Origin {
        let mut words = vec!["vmm".to_owned(), "run".to_owned(), file.display().to_string()];
        if self.guest != RINGSIDE {
            words.extend(["--guest".to_owned(), self.guest.clone()]);
        }
        if let Some(image) = &self.image {
            words.extend(["--image".to_owned(), image.display().to_string()]);
        }
        for option in &self.options {
            words.extend(["--option".to_owned(), option.clone()]);
        }
        // A word that no shell can be given is shown as it is.
        let quoted = words
            .iter()
            .map(|word| shlex::try_quote(word).unwrap_or(word.into()));
        Origin {
            file: file.display().to_string().into(),
            command: quoted.collect::<Vec<_>>().join(" ").into(),
            step_lines: scenario.step_lines.clone(),
        }
    }
}

pub(super) fn run(args: &RunArgs) -> Result<Status, Shown> {
    if args.is_empty() {
        eprintln!("error: no scenario given; try `vmm run scenarios`, or `vmm --help`");
        return Err(Shown(Status::UnusableInput));
    }
    let files = scenario::collect(&args.paths).map_err(show_diagnostic)?;
    let kvm = vmm::vm::open().map_err(|error| show_failure(&error))?;
    let image = guest_image(args)?;
    let scenarios = parse_all(&files, |name, text| Scenario::parse(name, text, &image.programs))?;
    let guest = Guest::new(description(args)?, &image, &args.options)
        .map_err(|error| show(&error))?
        .on_a_slow_host(args.slow)
        .recording(args.formats.needs());
    let mut readers = args.formats.readers(args.length(scenarios.len()))?;
    let untold = |error| show_as(Status::CouldNotTell, &error);
    let expected = scenarios.len();
    readers.read(Entry::Began { expected }).map_err(untold)?;
    let mut verdicts = Vec::new();
    for (scenario, file) in scenarios.iter().zip(&files) {
        let mut report = vmm::run::run(&kvm, &guest, scenario).map_err(|error| show_failure(&error))?;
        report.require(&args.required());
        report.states = report.states.filter(|_| args.states);
        report.origin = Some(args.origin(file, scenario));
        let same_name = scenarios.iter().filter(|other| other.name == scenario.name);
        if same_name.count() > 1 {
            report.scenario = format!("{} ({})", scenario.name, file.display()).into();
        }
        tell_run(&report, &mut readers).map_err(untold)?;
        if let (Some(replay), Some(explored)) = (&args.replay, &report.explored) {
            write_replay(replay, file, explored)?;
        }
        verdicts.push(report.verdict);
    }
    let interrupted = false;
    readers.read(Entry::Ended { interrupted }).map_err(untold)?;
    let verdict = verdicts.into_iter().max().unwrap_or(Verdict::Broken);
    Ok(verdict.into())
}

fn description(args: &RunArgs) -> Result<Description, Shown> {
    match args.guest.as_str() {
        RINGSIDE => Ok(ringside::description()),
        file => Description::read(Path::new(file)).map_err(|error| show(&error)),
    }
}

fn guest_image(args: &RunArgs) -> Result<GuestImage, Shown> {
    let image = match &args.image {
        Some(dir) => GuestImage::at(dir),
        None => image::ensure(ImageKind::Shipped, &*image::to_stderr()),
    };
    image.map_err(|error| show_failure(&error))
}

/// Writes the schedule that breaks a rule. Without one there is nothing to write, and an old file stays as it is.
fn write_replay(to: &Path, scenario: &Path, explored: &Explored) -> Result<(), Shown> {
    let Some(choices) = explored.choices() else {
        eprintln!("no schedule to write to {}: none breaks a rule", to.display());
        return Ok(());
    };
    let stem = to.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = ScenarioName::try_from(stem).map_err(|error| {
        eprintln!("error: a scenario has the name of its file: {error}");
        Shown(Status::UnusableInput)
    })?;
    let text = std::fs::read_to_string(scenario).map_err(|error| show(&error))?;
    let text = scenario::with_choices(&text, &name, &choices).map_err(|error| show(&error))?;
    std::fs::write(to, text).map_err(|error| {
        eprintln!("error: cannot write {}: {error}", to.display());
        Shown(Status::CouldNotTell)
    })?;
    eprintln!("wrote {}", to.display());
    Ok(())
}
