//! `vmm replay`: the runs of a bundle, once more.

use std::path::PathBuf;

use clap::Args;
use vmm::bundle::{BundledRun, Difference, Unpacked, differences};
use vmm::platform;
use vmm::printable::Printable;
use vmm::report::Report;
use vmm::report::text::{Colour, Detail, count, render, summary};
use vmm::scenario::{Scenario, ServerPlace};
use vmm::worker::Job;
use vmm::worker::pool::{Done, End, Observer};

use super::emulated::Workplace;
use super::guest::PlatformArgs;
use super::jobs::{RunningArgs, report_of};
use super::{Shown, Status, emulated, print_line, show_as, show_diagnostic, show_failure};

/// Most differences of a report that are told.
const MAX_TOLD: usize = 20;

/// What to run again.
#[derive(Args)]
#[command(after_help = "\
Examples:
  vmm run --bundle failed.tar.zst scenarios    keep the runs that do not pass
  vmm replay failed.tar.zst                    run them again, here or elsewhere
  tar --zstd -tf failed.tar.zst                what is in a bundle

Exit status:
  0  every verdict is the same as in the bundle, whatever it is
  1  a verdict is another one
  2  the bundle cannot be used
  4  the harness or the host could not tell, or was interrupted")]
pub(super) struct ReplayArgs {
    /// A bundle that `vmm run --bundle FILE` has written.
    #[arg(value_name = "FILE")]
    bundle: PathBuf,
    /// Show every step of each run.
    #[arg(long, short)]
    verbose: bool,
    /// Let guests connect to the servers of this host that a scenario of the bundle names. Whoever made the bundle has chosen them.
    #[arg(long)]
    servers: bool,
    #[command(flatten)]
    platform: PlatformArgs,
    /// Give the host N times as long.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    slow: u32,
    #[command(flatten)]
    running: RunningArgs,
}

/// Runs everything in a bundle again, and says what is not as it was.
pub(super) fn replay(args: &ReplayArgs) -> Result<Status, Shown> {
    let unpacked = Unpacked::at(&args.bundle).map_err(|error| show_failure(&error))?;
    let conditions = &unpacked.conditions;
    let parse = |run: &BundledRun| Scenario::parse(&run.file, &run.scenario, &conditions.programs);
    let scenarios = unpacked.runs.iter().map(parse).collect::<Result<Vec<_>, _>>();
    let scenarios = scenarios.map_err(show_diagnostic)?;
    if !args.servers {
        refuse_servers(&scenarios)?;
    }
    let choice = platform::choose(args.platform.platform, conditions.description.machine);
    let choice = choice.map_err(|error| show_failure(&error))?;
    let workplace = Workplace::of(&choice);
    print_line(&format!("bundled when judging {}\n", conditions.judged))?;
    let scratch = tempfile::tempdir().map_err(|error| show_as(Status::CouldNotTell, &error))?;
    let running = &args.running;
    let job = |(run, scenario)| {
        let patience = running.patience(scenario, &conditions.description, args.slow);
        let how = (running.confinement(), running.exploring(), patience);
        unpacked.job(run, args.slow, scratch.path(), how)
    };
    let jobs: Vec<Job> = std::iter::zip(&unpacked.runs, &scenarios).map(job).collect();
    let mut comparing = Comparing {
        runs: &unpacked.runs,
        scenarios: &scenarios,
        detail: if args.verbose { Detail::Full } else { Detail::Line },
        others: 0,
        failed: None,
    };
    let end = workplace.run(|| args.running.pool(), &jobs, &scenarios, &mut comparing)?;
    match (comparing.failed, end) {
        (Some(failed), _) => Err(failed),
        (None, End::Interrupted) => Ok(Status::CouldNotTell),
        (None, End::Complete) if comparing.others > 0 => Ok(Status::GuestFailed),
        (None, End::Complete) => Ok(Status::Passed),
    }
}

/// A scenario of a stranger's says to whom its guest may talk.
fn refuse_servers(scenarios: &[Scenario]) -> Result<(), Shown> {
    let servers = scenarios
        .iter()
        .flat_map(|scenario| scenario.guest.vsock.values());
    let server = servers
        .filter_map(|server| match server {
            ServerPlace::Unix(path) => Some(path.display().to_string()),
            ServerPlace::Tcp(address) => Some(address.to_string()),
            ServerPlace::Warehouse(_) => None,
        })
        .next();
    match server.map(Printable::from) {
        None => Ok(()),
        Some(server) => {
            eprintln!(
                "error: a scenario of the bundle connects its guest to {server} on this host; if that is what you want, say so with `--servers`"
            );
            Err(Shown(Status::UnusableInput))
        }
    }
}

/// Compares what comes of runs with what came of them.
struct Comparing<'a> {
    runs: &'a [BundledRun],
    scenarios: &'a [Scenario],
    detail: Detail,
    /// Verdicts that are other ones.
    others: usize,
    /// Why nothing more can be told.
    failed: Option<Shown>,
}

impl Observer for Comparing<'_> {
    fn began(&mut self, _index: usize) {}

    fn ended(&mut self, _index: usize) {}

    fn begins_anew(&mut self, index: usize, because: &str) {
        emulated::tell_anew(&self.runs[index].file, because);
    }

    fn done(&mut self, index: usize, done: Done) -> bool {
        let report = match report_of(done, &self.scenarios[index]) {
            Ok(report) => report,
            Err(shown) => {
                self.failed = Some(shown);
                return false;
            }
        };
        if let Err(shown) = self.tell(&self.runs[index].report, &report) {
            self.failed = Some(shown);
            return false;
        }
        self.others += usize::from(report.verdict != self.runs[index].report.verdict);
        true
    }
}

impl Comparing<'_> {
    fn tell(&self, was: &Report, is: &Report) -> Result<(), Shown> {
        let differences = differences(was, is);
        let word = is.verdict.word();
        let verdict = match (was.verdict == is.verdict, differences.is_empty()) {
            (true, true) => format!("the same as before: {word}, and all of the report"),
            (true, false) => format!(
                "the same verdict as before: {word}; {} of the report differ:",
                count(differences.len(), "part")
            ),
            (false, _) => format!("ANOTHER VERDICT: it was {}, and is {word}:", was.verdict.word()),
        };
        let told = match self.detail {
            Detail::Full => render(is, Colour::Plain, Detail::Full),
            Detail::Verdict | Detail::Line => summary(is, Colour::Plain),
        };
        print_line(&format!("{}  {verdict}", told))?;
        for Difference { part, was, is } in differences.iter().take(MAX_TOLD) {
            let (was, is) = (or_nothing(was), or_nothing(is));
            print_line(&format!("    {part}\n      was  {was}\n      is   {is}"))?;
        }
        match differences.len().saturating_sub(MAX_TOLD) {
            0 => Ok(()),
            more => print_line(&format!("    and {}", count(more, "further part"))),
        }
    }
}

/// A part that is not there.
fn or_nothing(part: &Printable) -> String {
    if part.is_empty() {
        "nothing".to_owned()
    } else {
        part.below("           ").to_string()
    }
}
