//! `vmm profile`: where the kernel's instructions go.

use std::num::NonZeroUsize;

use clap::Args;
use vmm::guest::{Inlining, Record, Stretch};
use vmm::report::Report;
use vmm::trace::profile::Profile;

use super::single::SingleArgs;
use super::table::table;
use super::trace::step;
use super::{Shown, Status, print_line};

pub(super) const EXAMPLES: &str = "\
Examples:
  vmm profile scenarios/cow.json                 the functions that cost most, and the steps
  vmm profile --boot scenarios/cow.json          with what the kernel does while it boots
  vmm profile --step 3 scenarios/cow.json        in one step only
  vmm profile --inlined scenarios/cow.json       with functions that the compiler has put into others
  vmm profile --folded scenarios/cow.json | inferno-flamegraph > cow.svg
                                                 a flame graph, by a tool that draws them
";

/// What to look at, and how to tell of it.
#[derive(Args)]
pub(super) struct ProfileArgs {
    #[command(flatten)]
    single: SingleArgs,
    /// Tell of functions that the compiler has put into others, too, as far as the kernel's debug information knows them.
    #[arg(long)]
    inlined: bool,
    /// Begin with the kernel's first instruction, and not when it has booted.
    #[arg(long, conflicts_with = "step")]
    boot: bool,
    /// Look at this step only: its number in the report, from 1.
    #[arg(long, value_name = "N")]
    step: Option<NonZeroUsize>,
    /// Show so many functions.
    #[arg(long, value_name = "N", default_value_t = 30, conflicts_with = "folded")]
    top: usize,
    /// Print the stacks for a flame graph: functions separated by semicolons, and their instructions.
    #[arg(long)]
    folded: bool,
}

pub(super) fn profile(args: &ProfileArgs) -> Result<Status, Shown> {
    let stretch = match (args.boot, args.step) {
        (true, _) => Stretch::Boot,
        (false, Some(number)) => Stretch::Step(number.get()),
        (false, None) => Stretch::Steps,
    };
    let report = args.single.run(Record {
        inlining: Inlining::of(args.inlined),
        ..Record::kernel(stretch)
    })?;
    let mut profile = Profile::default();
    report
        .lines
        .iter()
        .filter_map(|line| line.trace.as_ref())
        .for_each(|trace| profile.add(trace));
    if args.folded {
        print_line(profile.folded().trim_end())?;
    } else {
        print_line(&text(&report, &profile, args.top))?;
    }
    Ok(report.verdict.into())
}

/// A table of steps and one of functions.
fn text(report: &Report, profile: &Profile, top: usize) -> String {
    let all = profile.instructions();
    let share = |part: u64| format!("{:.1} %", 100.0 * part as f64 / all.max(1) as f64);
    let mut steps = table(&["instructions", "share", "step"], 2);
    for line in &report.lines {
        if let Some(trace) = &line.trace {
            steps.add_row([
                trace.instructions.to_string(),
                share(trace.instructions),
                step(line),
            ]);
        }
    }
    let mut functions = table(&["own", "share", "with callees", "calls", "function"], 4);
    for function in profile.functions().iter().take(top) {
        functions.add_row([
            function.own.to_string(),
            share(function.own),
            function.total.to_string(),
            function.calls.to_string(),
            function.name.to_string(),
        ]);
    }
    format!(
        "{}  {}: {all} instructions of the kernel\n\n{steps}\n\n{functions}",
        report.verdict.word(),
        report.scenario
    )
}
