//! The command line: arguments in, reports out, one exit status.

mod clauses;
mod emulated;
mod formats;
mod fuzz;
mod grade;
mod image;
mod jobs;
mod list;
mod merge;
mod output;
mod run;
mod status;
mod telling;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use vmm::printable::Printable;
use vmm::scenario::{Scenario, ScenarioErrors};

use output::{Shown, print_line, show, show_as, show_causes, show_diagnostic, show_failure};
use status::{EXIT_STATUS, Status};

/// Examples of what the command can do.
const EXAMPLES: &str = "\
Examples:
  vmm scenarios/cow.json              run one scenario and show every step
  vmm scenarios                       run every scenario of a folder
  vmm run --format json a.json        the report for programs
  vmm run --report junit=out.xml --report markdown=out.md scenarios
                                      further reports, each in a file
  vmm run --states scenarios/orphans.json
                                      what became of each process, as a Mermaid diagram
  vmm run --replay race.json scenarios/dirtycow-vulnerable.json
                                      explore schedules, and write the one that breaks a rule as a scenario
  vmm fuzz --seed 7                   random sequences; the first that breaks a rule is written as a scenario
  vmm list scenarios                  names and descriptions
  vmm clauses > docs/shadowpt-clauses.md
                                      every clause of a specification, and the steps that show it
  vmm schema > scenario.schema.json   JSON Schema of the scenario language, for editors
";

/// Boot a guest kernel under KVM, drive its processes through scenarios, and check what the guest says about its memory
/// against what is in guest physical memory.
#[derive(Parser)]
#[command(name = "vmm", version, after_help = format!("{EXAMPLES}\n{EXIT_STATUS}"), args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenarios and report. `vmm FILE...` is short for this.
    Run(run::RunArgs),
    /// Grade submissions by a rubric.
    Grade(grade::GradeArgs),
    /// Tell of runs whose results were kept with `--out`, such as the parts of `--shard`, as one.
    Merge(merge::MergeArgs),
    /// Run one scenario for another process of this command.
    #[command(name = vmm::worker::COMMAND, hide = true)]
    Worker,
    /// List scenarios with their descriptions.
    List {
        /// Scenario files, or folders of them.
        #[arg(default_value = "scenarios")]
        paths: Vec<PathBuf>,
    },
    /// List the clauses of a specification that scenarios show, as Markdown.
    Clauses(clauses::ClausesArgs),
    /// Try random sequences of memory operations under a shadow page table, until one breaks a rule.
    Fuzz(fuzz::FuzzArgs),
    /// Print the JSON Schema of the scenario language, or of another kind of file.
    Schema {
        /// Print that of rubrics instead.
        #[arg(long)]
        rubric: bool,
        /// Print that of reports as `--format json` writes them instead; a line of `jsonl` is its definition `Entry`.
        #[arg(long, conflicts_with = "rubric")]
        report: bool,
    },
    /// The first program of an emulated machine.
    #[command(hide = true)]
    EmulatedInit,
    /// Build the guest image, or run cargo for the guest crates as the image builder does.
    Image(image::ImageArgs),
}

/// Runs the command that the arguments ask for.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Grade(args)) => grade::grade(&args),
        Some(Command::Merge(args)) => merge::merge(&args),
        Some(Command::Worker) => worker(),
        Some(Command::List { paths }) => list::list(&paths),
        Some(Command::Clauses(args)) => clauses::clauses(&args),
        Some(Command::Fuzz(args)) => fuzz::fuzz(&args),
        Some(Command::Schema { rubric: true, .. }) => schema(&vmm::grade::rubric_schema()),
        Some(Command::Schema { report: true, .. }) => schema(&vmm::report::schema()),
        Some(Command::Schema { .. }) => schema(&vmm::scenario::schema()),
        Some(Command::EmulatedInit) => vmm::platform::inside()
            .map(|()| Status::Passed)
            .map_err(|error| show_as(Status::CouldNotTell, &error)),
        Some(Command::Image(args)) => image::image(&args),
        None if cli.run.is_empty() => {
            eprint!("{}", Cli::command().render_help());
            Ok(Status::UnusableInput)
        }
        None => run::run(&cli.run),
    };
    ExitCode::from(outcome.unwrap_or_else(|Shown(status)| status).code())
}

/// Reads all scenarios before anything is done with one: all problems are told at once. Gives the text of each, too.
fn parse_all(
    files: &[PathBuf],
    parse: impl Fn(&str, &str) -> Result<Scenario, ScenarioErrors>,
) -> Result<Vec<(String, Scenario)>, Shown> {
    let mut scenarios = Vec::new();
    let mut usable = true;
    for file in files {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                let file = Printable::from(file.display().to_string());
                eprintln!("error: cannot read {file}: {error}");
                usable = false;
                continue;
            }
        };
        match parse(&file.display().to_string(), &text) {
            Ok(scenario) => scenarios.push((text, scenario)),
            Err(errors) => {
                show_diagnostic(errors);
                usable = false;
            }
        }
    }
    if usable {
        Ok(scenarios)
    } else {
        Err(Shown(Status::UnusableInput))
    }
}

fn schema(schema: &serde_json::Value) -> Result<Status, Shown> {
    print_line(&format!("{schema:#}"))?;
    Ok(Status::Passed)
}

/// The other side of every run. What goes wrong here, whoever waits for the answer tells.
fn worker() -> Result<Status, Shown> {
    vmm::worker::serve().map_err(|error| show_as(Status::CouldNotTell, &error))?;
    Ok(Status::Passed)
}
