//! `vmm run`: scenarios to verdicts.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;
use vmm::guest::{Description, Guest, linux, ringside};
use vmm::image::{self, GuestImage, ImageKind};
use vmm::platform::{self, Choice, Platform};
use vmm::printable;
use vmm::promise::{NoSuchPromise, Promise};
use vmm::report::text::{Colour, Detail, count, log, render, summary};
use vmm::report::{Explored, Report, Verdict};
use vmm::scenario::{self, Scenario, ScenarioName};

use super::{Shown, Status, emulated, parse_all, print_line, show, show_diagnostic, show_failure};

/// What to run, and how to tell about it.
#[derive(Args)]
pub(super) struct RunArgs {
    /// Scenario files, or folders of them.
    #[arg(value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// How to report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Show every step of passing scenarios too when there are several.
    #[arg(long, short)]
    verbose: bool,
    /// Show only verdicts.
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Use this guest image (a directory with `kernel`, `initrd` and `programs`) instead of building one.
    #[arg(long, value_name = "DIR", overrides_with = "image")]
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
    /// Which guest: `ringside`, this project's own; `linux`, a distribution's; or a file that describes another one (see
    /// `docs/guests.md`).
    #[arg(long, value_name = "GUEST", default_value = RINGSIDE)]
    guest: String,
    /// The guest's kernel: an ELF file (`vmlinux`), or a bzImage of one (`vmlinuz`).
    #[arg(long, value_name = "FILE", overrides_with = "kernel")]
    kernel: Option<PathBuf>,
    /// Where machines run: `kvm`, `emulated` (one machine that QEMU emulates in software, in which all of this is done), or `auto`: emulated where
    /// KVM is missing, or interprets kernel mode and the guest needs a processor.
    #[arg(
        long,
        value_name = "PLATFORM",
        default_value = "auto",
        overrides_with = "platform"
    )]
    platform: Platform,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs: one object with all reports.
    Json,
}

/// The name of this project's own guest.
const RINGSIDE: &str = "ringside";
/// The name of a distribution's Linux.
const LINUX: &str = "linux";

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

    /// Whether the call leaves files behind.
    pub(super) fn writes_files(&self) -> bool {
        self.replay.is_some()
    }

    /// The file that describes the guest, if one does.
    pub(super) fn guest_file(&self) -> Option<&Path> {
        match self.guest.as_str() {
            RINGSIDE | LINUX => None,
            file => Some(Path::new(file)),
        }
    }

    fn required(&self) -> Vec<Promise> {
        let reports = self.require.iter().flat_map(|required| match required {
            Required::All => Promise::ALL.to_vec(),
            Required::One(promise) => vec![*promise],
        });
        reports.collect()
    }
}

pub(super) fn run(args: &RunArgs) -> Result<Status, Shown> {
    if args.is_empty() {
        eprintln!("error: no scenario given; try `vmm run scenarios`, or `vmm --help`");
        return Err(Shown(Status::UnusableInput));
    }
    let files = scenario::collect(&args.paths).map_err(show_diagnostic)?;
    let image = guest_image(args)?;
    let description = description(args)?;
    let kvm =
        match platform::choose(args.platform, description.machine).map_err(|error| show_failure(&error))? {
            Choice::Kvm(kvm) => kvm,
            Choice::Emulated(reason) => {
                eprintln!("running in an emulated machine, which is slow, {reason}");
                return emulated::run(args, &files, &image, description);
            }
        };
    let scenarios = parse_all(&files, |name, text| Scenario::parse(name, text, &image.programs))?;
    let guest = Guest::new(description, &image, &args.options)
        .map_err(|error| show_failure(&error))?
        .on_a_slow_host(args.slow);
    let mut reports = Vec::new();
    for (scenario, file) in scenarios.iter().zip(&files) {
        let mut report = vmm::run::run(&kvm, &guest, scenario).map_err(|error| show_failure(&error))?;
        report.require(&args.required());
        report.states = report.states.filter(|_| args.states);
        if scenarios
            .iter()
            .filter(|other| other.name == scenario.name)
            .count()
            > 1
        {
            report.scenario = format!("{} ({})", scenario.name, file.display()).into();
        }
        if args.format == Format::Text {
            print_line(&text(args, &report, scenarios.len()))?;
            if args.log {
                print_line(&log(&report))?;
            }
            if let Some(states) = &report.states {
                print_line(&format!("\n{states}"))?;
            }
        }
        if let (Some(replay), Some(explored)) = (&args.replay, &report.explored) {
            write_replay(replay, file, explored)?;
        }
        reports.push(report);
    }
    let verdict = reports
        .iter()
        .map(|report| report.verdict)
        .max()
        .unwrap_or(Verdict::Broken);
    match args.format {
        Format::Json => print_line(&json(verdict, &reports))?,
        Format::Text if reports.len() > 1 => print_line(&total(&reports))?,
        Format::Text => {}
    }
    Ok(verdict.into())
}

fn description(args: &RunArgs) -> Result<Description, Shown> {
    let description = match args.guest.as_str() {
        RINGSIDE => ringside::description(),
        LINUX => {
            let kernel = args
                .kernel
                .clone()
                .map_or_else(|| linux::kernel(&*image::to_stderr()), Ok);
            linux::description(kernel.map_err(|error| show_failure(&error))?)
        }
        file => Description::read(Path::new(file)).map_err(|error| show(&error))?,
    };
    Ok(description.with_kernel(args.kernel.clone()))
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

fn text(args: &RunArgs, report: &Report, scenarios: usize) -> String {
    let detail = if args.verbose || scenarios == 1 {
        Detail::Full
    } else {
        Detail::Verdict
    };
    if args.quiet {
        summary(report, colour())
    } else {
        render(report, colour(), detail)
    }
}

/// Colours on a terminal, unless the user asks for none (<https://no-color.org>).
fn colour() -> Colour {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if io::stdout().is_terminal() && !refused {
        Colour::Ansi
    } else {
        Colour::Plain
    }
}

fn total(reports: &[Report]) -> String {
    let number = |verdict| reports.iter().filter(|report| report.verdict == verdict).count();
    format!(
        "\n{}: {} passed, {} failed, {} broken",
        count(reports.len(), "scenario"),
        number(Verdict::Pass),
        number(Verdict::Fail),
        number(Verdict::Broken)
    )
}

fn json(verdict: Verdict, reports: &[Report]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        verdict: Verdict,
        reports: &'a [Report],
    }
    let document = serde_json::to_string_pretty(&Document { verdict, reports });
    printable::json(&document.expect("a report has no maps with keys of other types"))
}
