//! `vmm trace`: which functions of the kernel run, in which order, and what they change.

use std::num::NonZeroUsize;
use std::slice;

use clap::{Args, ValueEnum};
use serde_json::json;
use vmm::guest::{Inlining, Record, Stretch};
use vmm::report::{Format, Line, Report, written};
use vmm::trace::profile::Profile;
use vmm::trace::tree::{self, Selection};
use vmm::trace::{Trace, perfetto};

use super::single::SingleArgs;
use super::{Shown, Status, print_line, show_as};

pub(super) const EXAMPLES: &str = "\
Examples:
  vmm trace --step 12 scenarios/cow.json         what the kernel does in a step, as a tree
  vmm trace --step 12 --depth 3 scenarios/cow.json
                                                 no more than three functions below each other
  vmm trace --only fault --only cow scenarios/cow.json
                                                 functions whose names have one of these parts, and what changes
  vmm trace --step 2 --of child --format names scenarios/null-store.json
                                                 the functions in their order, a name a line
  vmm trace --inlined --only do_ --guest linux --kernel vmlinux scenarios/null-store.json
                                                 with functions that the compiler has put into others
  vmm trace --format html scenarios/calls/null-store.json > trace.html
                                                 a page with the functions of each step beside its memory
  vmm trace --format perfetto scenarios/cow.json > cow.trace.json
                                                 for https://ui.perfetto.dev, or chrome://tracing
";

/// What to look at, and how to tell of it.
#[derive(Args)]
pub(super) struct TraceArgs {
    #[command(flatten)]
    single: SingleArgs,
    /// Tell of functions that the compiler has put into others, too, and where in its source each function is, as far as the kernel's debug
    /// information knows them.
    #[arg(long)]
    inlined: bool,
    /// Look at this step only: its number in the report, from 1. Without it all steps, and not booting.
    #[arg(long, value_name = "N")]
    step: Option<NonZeroUsize>,
    /// Show the time in the kernel of this process only.
    #[arg(long, value_name = "PROCESS")]
    of: Option<String>,
    /// Show no more than so many functions below each other.
    #[arg(long, value_name = "D")]
    depth: Option<NonZeroUsize>,
    /// Show functions whose names have this part. May be given more than once.
    #[arg(long, value_name = "PART")]
    only: Vec<String>,
    /// How to tell of it.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

/// The forms of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A tree, a line a function.
    Text,
    /// The names of the functions, each in a line, in the order in which they were called.
    Names,
    /// Every event, as in the JSON report.
    Json,
    /// The format of Chrome's `about:tracing` and of Perfetto.
    Perfetto,
    /// Stacks for a flame graph.
    Folded,
    /// A page for a browser, as of `vmm run --format html`, with what the kernel did in each step as a tree that can be folded.
    Html,
}

pub(super) fn trace(args: &TraceArgs) -> Result<Status, Shown> {
    let leaves_out = args.of.is_some() || args.depth.is_some() || !args.only.is_empty();
    if leaves_out && !matches!(args.format, Form::Text | Form::Names) {
        eprintln!("error: --of, --depth and --only are for text and names; the other forms have everything");
        return Err(Shown(Status::UnusableInput));
    }
    let stretch = args
        .step
        .map_or(Stretch::Steps, |number| Stretch::Step(number.get()));
    let record = Record {
        memory: args.format == Form::Html,
        inlining: Inlining::of(args.inlined),
        ..Record::kernel(stretch)
    };
    let report = args.single.run(record)?;
    let traces = traces(&report);
    if traces.is_empty() {
        eprintln!(
            "the kernel has not run in what was to be looked at; a report of `vmm run` has the numbers of steps"
        );
    }
    let text = match args.format {
        Form::Text => text(&report, &traces, args),
        Form::Names => traces
            .iter()
            .map(|(_, trace)| tree::names(trace, &choice(args)))
            .collect(),
        Form::Json => {
            let steps: Vec<_> = traces
                .iter()
                .map(|(step, trace)| json!({ "step": step, "trace": trace }))
                .collect();
            format!(
                "{:#}",
                json!({ "scenario": report.scenario, "verdict": report.verdict, "steps": steps })
            )
        }
        Form::Perfetto => perfetto::document(traces).to_string(),
        Form::Html => written(Format::Html, slice::from_ref(&report))
            .map_err(|error| show_as(Status::CouldNotTell, &error))?,
        Form::Folded => {
            let mut profile = Profile::default();
            traces.iter().for_each(|(_, trace)| profile.add(trace));
            profile.folded()
        }
    };
    print_line(text.trim_end())?;
    Ok(report.verdict.into())
}

/// What is to be shown.
fn choice(args: &TraceArgs) -> Selection {
    Selection {
        of: args.of.clone(),
        depth: args.depth.map(NonZeroUsize::get),
        only: args.only.clone(),
    }
}

fn text(report: &Report, traces: &[(String, &Trace)], args: &TraceArgs) -> String {
    let choice = choice(args);
    let step = |(step, trace): &(String, &Trace)| {
        format!(
            "{step}: {} instructions of the kernel\n{}\n",
            trace.instructions,
            tree::lines(trace, &choice)
        )
    };
    let steps: String = traces.iter().map(step).collect();
    format!("{steps}{} {}", report.verdict.word(), report.scenario)
}

/// What the kernel did, by the steps in which it was followed.
pub(super) fn traces(report: &Report) -> Vec<(String, &Trace)> {
    let lines = report.lines.iter();
    lines
        .filter_map(|line| Some((step(line), line.trace.as_ref()?)))
        .collect()
}

/// The step of a line.
pub(super) fn step(line: &Line) -> String {
    let number = line.step.map(|number| format!("{number}. ")).unwrap_or_default();
    format!("{number}{}", line.what)
}
