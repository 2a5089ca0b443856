//! `vmm fuzz`: random sequences, one after the other, until one breaks a rule.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use vmm::fuzz::{Plan, Tried, try_one};
use vmm::guest::{Guest, ringside};
use vmm::image::ImageKind;
use vmm::report::text::{Colour, Detail, render};
use vmm::scenario::ScenarioName;

use super::{Shown, Status, print_line, shipped, show, show_as, show_failure};

/// What to try, and where to write what is found.
#[derive(Args)]
pub(super) struct FuzzArgs {
    /// Seed of the first sequence; the next one has the next number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many sequences; without it there is no end.
    #[arg(long)]
    sequences: Option<u64>,
    /// Moves of a sequence; most are one step.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=2000))]
    moves: u64,
    /// Where the scenario is written that breaks a rule. Its name is the scenario's.
    #[arg(long, value_name = "FILE", default_value = "fuzz-finding.json")]
    out: PathBuf,
    /// Add a word to the kernel command line.
    #[arg(long = "option", value_name = "KEY=VALUE")]
    options: Vec<String>,
    /// Give the host N times as long. A guest's own budget, its processor time, stays the same: this is for machines on which a run
    /// ends as broken because the host is too slow, or on which servers of the host take longer than a scenario's `answer_ms`.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    slow: u32,
}

pub(super) fn fuzz(args: &FuzzArgs) -> Result<Status, Shown> {
    let stem = args.out.file_stem().unwrap_or_default().to_string_lossy();
    let name = ScenarioName::try_from(stem.into_owned()).map_err(|error| show(&error))?;
    let image = shipped::image(ImageKind::Shipped).map_err(|error| show_failure(&error))?;
    let kvm = vmm::vm::open().map_err(|error| show_failure(&error))?;
    let guest = Guest::new(ringside::description(), &image, &args.options)
        .map_err(|error| show(&error))?
        .on_a_slow_host(args.slow);
    let started = Instant::now();
    let mut total_steps = 0;
    let last = args.sequences.map(|count| args.seed.saturating_add(count));
    for seed in (args.seed..).take_while(|seed| last.is_none_or(|last| *seed < last)) {
        let plan = Plan {
            seed,
            moves: usize::try_from(args.moves).expect("a small number"),
        };
        match try_one(&kvm, &guest, &image.programs, &name, plan).map_err(|error| show_failure(&error))? {
            Tried::Passed { steps } => {
                total_steps += steps;
                let seconds = started.elapsed().as_secs();
                print_line(&format!(
                    "seed {seed}: {steps} steps pass; {total_steps} in {seconds} s"
                ))?;
            }
            Tried::Failed { text, report } => {
                print_line(&render(&report, Colour::Plain, Detail::Full))?;
                fs::write(&args.out, text).map_err(|error| show_as(Status::CouldNotTell, &error))?;
                print_line(&format!("seed {seed} breaks a rule; see {}", args.out.display()))?;
                return Ok(Status::GuestFailed);
            }
        }
    }
    Ok(Status::Passed)
}
