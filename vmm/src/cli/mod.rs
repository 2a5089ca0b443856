//! The command line: arguments in, reports out, one exit status.

mod bundling;
mod clauses;
mod debugging;
mod diff;
mod doctor;
mod emulated;
mod formats;
mod fuzz;
mod grade;
mod guest;
mod image;
mod jobs;
mod judging;
mod language;
mod linux;
mod list;
mod look;
mod merge;
mod output;
mod profile;
mod replay;
mod run;
mod shell;
mod shipped;
mod single;
mod status;
mod table;
mod telling;
mod times;
mod trace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use vmm::printable::Printable;
use vmm::scenario::{self, Scenario, ScenarioErrors};
use vmm::worker::Jobs;

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

const RUN_EXAMPLES: &str = "\
Examples:
  vmm run scenarios/cow.json                       one scenario, step by step
  vmm run --report html=report.html scenarios      a folder of them, and a page for a browser
  vmm run --kernel build/kernel scenarios          another kernel, with the programs of this project
  vmm run --guest mine.toml scenarios              a kernel that a file describes
  vmm run --image guest.tar.zst scenarios          an image that `vmm image pack` has written
  vmm run --bundle failed.tar.zst scenarios        keep what does not pass; `vmm replay failed.tar.zst` runs it again
  vmm run --out parts --shard 2/5 scenarios        the second of five parts; `vmm merge parts` tells of all
  vmm run --gdb 1234 scenarios/cow.json            wait for gdb, and run the scenario under it (docs/debugging.md)
";

const MERGE_EXAMPLES: &str = "\
Examples:
  vmm run --out one --shard 1/2 scenarios     on one machine
  vmm run --out two --shard 2/2 scenarios     on another one
  vmm merge --report html=all.html one two    all of it
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
    #[command(after_help = format!("{RUN_EXAMPLES}\n{EXIT_STATUS}"))]
    Run(run::RunArgs),
    /// Grade submissions by a rubric.
    #[command(after_help = format!("{}\n{EXIT_STATUS}", grade::EXAMPLES))]
    Grade(grade::GradeArgs),
    /// Tell of runs whose results were kept with `--out`, such as the parts of `--shard`, as one.
    #[command(after_help = format!("{MERGE_EXAMPLES}\n{EXIT_STATUS}"))]
    Merge(merge::MergeArgs),
    /// Run again what `vmm run --bundle` has kept, and say whether the verdict is the same.
    Replay(replay::ReplayArgs),
    /// Run scenarios for another process of this command.
    #[command(name = vmm::worker::COMMAND, hide = true)]
    Worker {
        /// More than one.
        #[arg(long)]
        several: bool,
    },
    /// List scenarios with their descriptions.
    #[command(after_help = "\
Examples:
  vmm list                      those of the folder `scenarios`
  vmm list a.json more/")]
    List {
        /// Scenario files, or folders of them.
        #[arg(default_value = "scenarios")]
        paths: Vec<PathBuf>,
    },
    /// List the clauses of a specification that scenarios show, as Markdown.
    #[command(after_help = "\
Examples:
  vmm clauses > docs/shadowpt-clauses.md    every clause that scenarios show
  vmm clauses --family OPEN a.json          those of one family in one scenario")]
    Clauses(clauses::ClausesArgs),
    /// Print the reference of the scenario language, with examples from scenarios, as Markdown.
    Language(language::LanguageArgs),
    /// Try random sequences of memory operations under a shadow page table, until one breaks a rule.
    #[command(after_help = "\
Examples:
  vmm fuzz                                   until something breaks a rule
  vmm fuzz --seed 7 --sequences 20           twenty sequences, the same ones in each call
  vmm fuzz --seconds 60 --jobs 2             for a minute, in two processes
  vmm fuzz --out found.json && vmm found.json")]
    Fuzz(fuzz::FuzzArgs),
    /// Show where the instructions of the kernel go while a scenario runs: by steps of the processor, the same in each run.
    #[command(after_help = format!("{}\n{EXIT_STATUS}", profile::EXAMPLES))]
    Profile(profile::ProfileArgs),
    /// Show which functions of the kernel run while a scenario's steps do, in which order, and what they change in page tables and frames.
    #[command(after_help = format!("{}\n{EXIT_STATUS}", trace::EXAMPLES))]
    Trace(trace::TraceArgs),
    /// Look at memory as it was after any step of a run: page tables, frames, owners, contents, and what changed in between.
    #[command(after_help = look::EXAMPLES)]
    Look(look::LookArgs),
    /// Perform a scenario on the Linux of this machine, too, and show what it answers beside what the guest does.
    #[command(after_help = linux::EXAMPLES)]
    Linux(linux::LinuxArgs),
    /// Show what differs in the memory that steps name: between two steps of a run, or of two runs.
    #[command(after_help = diff::EXAMPLES)]
    Diff(diff::DiffArgs),
    /// Print the JSON Schema of the scenario language, or of another kind of file.
    #[command(after_help = "\
Examples:
  vmm schema > scenario.schema.json             for editors: \"$schema\": \"scenario.schema.json\" in a scenario
  vmm schema --rubric > rubric.schema.json
  vmm schema --report > report.schema.json")]
    Schema {
        /// Print that of rubrics instead.
        #[arg(long)]
        rubric: bool,
        /// Print that of reports as `--format json` writes them instead; a line of `jsonl` is its definition `Entry`.
        #[arg(long, conflicts_with = "rubric")]
        report: bool,
    },
    /// Say what this machine can do, and what to do about what is missing.
    #[command(after_help = "\
Examples:
  vmm doctor || echo 'see above for what is missing'

Exit status:
  0  this machine can build the guest and run scenarios
  4  something for that is missing")]
    Doctor,
    /// Print completions for a shell.
    Completions(shell::CompletionsArgs),
    /// Write manual pages to a folder.
    Man(shell::ManArgs),
    /// The first program of an emulated machine.
    #[command(hide = true)]
    EmulatedInit,
    /// Do the jobs of a file in an emulated machine.
    #[command(hide = true)]
    EmulatedJobs {
        /// Jobs as JSON.
        file: PathBuf,
    },
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
        Some(Command::Replay(args)) => replay::replay(&args),
        Some(Command::Worker { several }) => worker(if several { Jobs::Several } else { Jobs::One }),
        Some(Command::List { paths }) => list::list(&paths),
        Some(Command::Clauses(args)) => clauses::clauses(&args),
        Some(Command::Language(args)) => language::language(&args),
        Some(Command::Fuzz(args)) => fuzz::fuzz(&args),
        Some(Command::Trace(args)) => trace::trace(&args),
        Some(Command::Look(args)) => look::look(&args),
        Some(Command::Linux(args)) => linux::linux(&args),
        Some(Command::Diff(args)) => diff::diff(&args),
        Some(Command::Profile(args)) => profile::profile(&args),
        Some(Command::Schema { rubric: true, .. }) => schema(&vmm::grade::rubric_schema()),
        Some(Command::Schema { report: true, .. }) => schema(&vmm::report::schema()),
        Some(Command::Schema { .. }) => schema(&scenario::schema()),
        Some(Command::Doctor) => doctor::doctor(),
        Some(Command::Completions(args)) => shell::completions(&args),
        Some(Command::Man(args)) => shell::man(&args),
        Some(Command::EmulatedInit) => vmm::platform::inside()
            .map(|()| Status::Passed)
            .map_err(|error| show_as(Status::CouldNotTell, &error)),
        Some(Command::EmulatedJobs { file }) => vmm::worker::serve_emulated(&file)
            .map(|()| Status::Passed)
            .map_err(|error| show_as(Status::CouldNotTell, &error)),
        Some(Command::Image(args)) => image::image(&args),
        None if cli.run.is_empty() => {
            eprint!("{}", Cli::command().render_help());
            Ok(Status::UnusableInput)
        }
        None => match misspelt(&cli.run) {
            Some(shown) => Err(shown),
            None => run::run(&cli.run),
        },
    };
    ExitCode::from(outcome.unwrap_or_else(|Shown(status)| status).code())
}

/// Whoever misspells a command names a file that is not there.
fn misspelt(args: &run::RunArgs) -> Option<Shown> {
    let found = args.first_path().filter(|path| !path.exists())?.to_str()?;
    let command = Cli::command();
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    let commands: Vec<&str> = commands.map(clap::Command::get_name).collect();
    let files = std::fs::read_dir(".").into_iter().flatten().flatten();
    let files: Vec<String> = files
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let files = files.iter().map(String::as_str);
    let names: Vec<&str> = commands.iter().copied().chain(files).collect();
    let near = scenario::nearest(found, &names)?;
    let meant = if commands.contains(&near) {
        format!("vmm {near}")
    } else {
        near.to_owned()
    };
    let [found, meant] = [found, &meant].map(Printable::from);
    eprintln!("error: there is no command and no file `{found}`; did you mean `{meant}`?");
    Some(Shown(Status::UnusableInput))
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
fn worker(jobs: Jobs) -> Result<Status, Shown> {
    vmm::worker::serve(jobs).map_err(|error| show_as(Status::CouldNotTell, &error))?;
    Ok(Status::Passed)
}
