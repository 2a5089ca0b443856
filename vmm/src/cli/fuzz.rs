//! `vmm fuzz`: random sequences until one breaks a rule.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use vmm::fuzz::Tried;
use vmm::fuzz::workers::{self, Work};
use vmm::guest::Guest;
use vmm::report::text::{Colour, Detail, render};
use vmm::scenario::ScenarioName;

use super::guest::GuestArgs;
use super::jobs::RunningArgs;
use super::{Shown, Status, print_line, show, show_as, show_failure};

/// What to try, and where to write what is found.
#[derive(Args)]
pub(super) struct FuzzArgs {
    /// Seed of the first sequence; the next one has the next number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many sequences; without it there is no end.
    #[arg(long)]
    sequences: Option<u64>,
    /// End after so many seconds, if no sequence has broken a rule by then.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    seconds: Option<u64>,
    /// Moves of a sequence; most are one step.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=2000))]
    moves: u64,
    /// Where the scenario is written that breaks a rule. Its name is the scenario's.
    #[arg(long, value_name = "FILE", default_value = "fuzz-finding.json")]
    out: PathBuf,
    #[command(flatten)]
    guest: GuestArgs,
    #[command(flatten)]
    running: RunningArgs,
}

pub(super) fn fuzz(args: &FuzzArgs) -> Result<Status, Shown> {
    let stem = args.out.file_stem().unwrap_or_default().to_string_lossy();
    let name = ScenarioName::try_from(stem.into_owned()).map_err(|error| show(&error))?;
    let description = args.guest.description()?;
    let image = args.guest.image(&description)?;
    let kvm = vmm::vm::open().map_err(|error| show_failure(&error))?;
    let guest = Guest::new(description, &image, &args.guest.options)
        .map_err(|error| show(&error))?
        .on_a_slow_host(args.guest.slow)
        .exploring(args.running.exploring());
    let work = Work {
        kvm: &kvm,
        guest: &guest,
        programs: &image.programs,
        name: &name,
        first: args.seed,
        count: args.sequences,
        moves: usize::try_from(args.moves).expect("a small number"),
        confinement: args.running.confinement(),
    };
    let started = Instant::now();
    let until = args.seconds.map(|seconds| started + Duration::from_secs(seconds));
    let mut seeds = workers::start(work, args.running.workers())
        .map_err(|error| show_as(Status::CouldNotTell, &error))?;
    let (mut sequences, mut total_steps) = (0_u64, 0);
    loop {
        let next = seeds.next(until);
        match next.map_err(|error| show_as(Status::CouldNotTell, &error))? {
            Some((seed, Tried::Passed { steps })) => {
                sequences += 1;
                total_steps += steps;
                let seconds = started.elapsed().as_secs();
                print_line(&format!(
                    "seed {seed}: {steps} steps pass; {total_steps} in {seconds} s"
                ))?;
            }
            Some((seed, Tried::Failed { text, report })) => {
                print_line(&render(&report, Colour::Plain, Detail::Full))?;
                fs::write(&args.out, text).map_err(|error| show_as(Status::CouldNotTell, &error))?;
                print_line(&format!("seed {seed} breaks a rule; see {}", args.out.display()))?;
                return Ok(Status::GuestFailed);
            }
            None => break,
        }
    }
    let rate = total_steps as f64 / started.elapsed().as_secs_f64();
    print_line(&format!(
        "{sequences} sequences, {total_steps} steps: {rate:.0} judged steps a second; none breaks a rule"
    ))?;
    Ok(Status::Passed)
}
