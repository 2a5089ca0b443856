//! `vmm run`: scenarios to verdicts.

use std::path::{Path, PathBuf};

use clap::Args;
use vmm::bundle::Conditions;
use vmm::guest::Record;
use vmm::journal::Entry;
use vmm::platform::{self, Choice};
use vmm::promise::Promise;
use vmm::report::Origin;
use vmm::report::text::{Detail, KernelLog, count};
use vmm::results::{self, Results};
use vmm::scenario::{self, Scenario};
use vmm::worker::pool::End;
use vmm::worker::{Job, RunLimits};

use super::debugging::DebuggingArgs;
use super::emulated::Workplace;
use super::formats::FormatArgs;
use super::guest::{GuestArgs, PlatformArgs};
use super::jobs::{JobArgs, Progress};
use super::judging::Judging;
use super::telling::{Task, Telling};
use super::times::Times;
use super::{Shown, Status, bundling, parse_all, show_as, show_diagnostic, show_failure};

/// What to run, and how to tell about it.
#[derive(Args)]
pub(super) struct RunArgs {
    /// Scenario files, or folders of them.
    #[arg(value_name = "FILE")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) guest: GuestArgs,
    #[command(flatten)]
    formats: FormatArgs,
    /// Show every step of passing scenarios too when there are several.
    #[arg(long, short)]
    verbose: bool,
    /// Show only verdicts.
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Show what became of each process: a Mermaid state diagram after each report.
    #[arg(long)]
    pub(super) states: bool,
    /// Show what the kernel logged, after each report.
    #[arg(long)]
    log: bool,
    /// If exploring schedules finds one that breaks a rule, write it to this file, as a scenario that follows it.
    #[arg(long, value_name = "FILE")]
    pub(super) replay: Option<PathBuf>,
    /// If something does not pass, write to this file (tar.zst) all that is needed to run it again elsewhere: scenarios, seeds, the guest's
    /// files, versions, reports and logs. `vmm replay FILE` does it.
    #[arg(long, value_name = "FILE")]
    pub(super) bundle: Option<PathBuf>,
    #[command(flatten)]
    platform: PlatformArgs,
    /// Make it an error when a rule is not judged, because the guest does not promise the report that it needs: `all`, or the name
    /// of a report. May be given more than once.
    #[arg(long, value_name = "REPORT", value_parser = Promise::named)]
    require: Vec<&'static [Promise]>,
    /// Draw other texts and bytes in the place of those that the scenarios write and expect, and other page numbers and sizes of regions
    /// where that cannot change an answer: a guest cannot know the answers before. The same seed draws the same ones. The report keeps
    /// those of the files.
    #[arg(long, value_name = "SEED")]
    vary: Option<u64>,
    /// Record what the memory that steps name is like after each step, for `json` and `jsonl`, which hold everything, and for `vmm diff`.
    #[arg(long)]
    memory: bool,
    /// Tell on standard error how long each run took: its boot, its steps, and the audits in which the judge looks at everything after a step.
    #[arg(long)]
    times: bool,
    #[command(flatten)]
    debugging: DebuggingArgs,
    #[command(flatten)]
    jobs: JobArgs,
}

impl RunArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// What the call is to run first.
    pub(super) fn first_path(&self) -> Option<&Path> {
        self.paths.first().map(PathBuf::as_path)
    }

    /// How much text tells of each of so many scenarios.
    fn detail(&self, scenarios: usize) -> Detail {
        if self.quiet {
            Detail::Line
        } else if self.verbose || scenarios == 1 {
            Detail::Full
        } else {
            Detail::Verdict
        }
    }

    fn kernel_log(&self) -> KernelLog {
        if self.log {
            KernelLog::Told
        } else {
            KernelLog::Untold
        }
    }

    /// Where a scenario came from.
    pub(super) fn origin(&self, file: &Path, scenario: &Scenario) -> Origin {
        let mut words = vec!["vmm".to_owned(), "run".to_owned(), file.display().to_string()];
        words.extend(self.guest.words());
        if let Some(seed) = self.vary {
            words.extend(["--vary".to_owned(), seed.to_string()]);
        }
        Origin::new(&file.display().to_string(), &words, scenario)
    }
}

pub(super) fn run(args: &RunArgs) -> Result<Status, Shown> {
    if args.is_empty() {
        eprintln!("error: no scenario given; try `vmm run scenarios`, or `vmm --help`");
        return Err(Shown(Status::UnusableInput));
    }
    let files = scenario::collect(&args.paths).map_err(show_diagnostic)?;
    let description = args.guest.description()?;
    // Workers open it anew; here it is found out once whether they can.
    let choice = platform::choose(args.platform.platform, description.machine)
        .map_err(|error| show_failure(&error))?;
    let image = args.guest.image(&description)?;
    if let Choice::Emulated(_) = &choice {
        args.debugging.refuse_emulated()?;
    }
    let workplace = Workplace::of(&choice);
    let options = &args.guest.options;
    let judging = Judging::begin(choice, description.clone(), image.clone(), options.clone());
    let (texts, scenarios): (Vec<String>, Vec<Scenario>) =
        parse_all(&files, |name, text| Scenario::parse(name, text, &image.programs))?
            .into_iter()
            .unzip();
    args.debugging.check(&scenarios, args.jobs.asked_for())?;
    let scratch = tempfile::tempdir().map_err(|error| show_as(Status::CouldNotTell, &error))?;
    let job = |place: usize| Job {
        file: files[place].display().to_string(),
        scenario: texts[place].clone(),
        image: image.clone(),
        description: description.clone(),
        options: options.clone(),
        require: args.require.concat(),
        limits: RunLimits::default(),
        slow: args.guest.slow,
        seed: args.vary,
        patience: args.debugging.patience(args.jobs.running.patience(
            &scenarios[place],
            &description,
            args.guest.slow,
        )),
        scratch: scratch.path().to_owned(),
        record: if args.memory {
            Record::MEMORY
        } else {
            args.formats.needs()
        },
        exploring: args.jobs.exploring(),
        confinement: args.jobs.confinement(),
        debugger: args.debugging.place(),
    };
    if let Some(bundle) = &args.bundle {
        bundling::find_folder_of(bundle)?;
    }
    let results = args.jobs.out.as_deref().map(Results::in_folder);
    let results = results.transpose().map_err(|error| show_failure(&error))?;
    let places = (0..files.len()).filter(|place| args.jobs.shard.is_none_or(|shard| shard.has(*place)));
    let mut tasks = Vec::new();
    for place in places {
        let job = job(place);
        let name = match &results {
            Some(_) => {
                let name = results::name(&job, judging.get()?);
                Some(name.map_err(|error| show_failure(&error))?)
            }
            None => None,
        };
        let kept = results.as_ref().zip(name.as_ref()).filter(|_| args.jobs.resume);
        let kept = kept.and_then(|(results, name)| results.find(name));
        tasks.push(Task {
            place,
            name,
            job,
            kept,
        });
    }
    let to_run: Vec<usize> = (0..tasks.len())
        .filter(|index| tasks[*index].kept.is_none())
        .collect();
    let jobs: Vec<Job> = to_run.iter().map(|index| tasks[*index].job.clone()).collect();
    let mut reader = args
        .formats
        .readers(args.detail(scenarios.len()), args.kernel_log())?;
    if args.times {
        reader.push(Box::new(Times::default()));
    }
    let mut telling = Telling {
        args,
        files: &files,
        texts: &texts,
        scenarios: &scenarios,
        tasks: &tasks,
        judging,
        to_run: &to_run,
        told: 0,
        results,
        reader,
        progress: Progress::new(jobs.iter().map(|job| job.file.clone()).collect()),
        verdicts: Vec::new(),
        bundled: Vec::new(),
        failed: None,
    };
    telling.tell(Entry::Began {
        expected: tasks.len(),
    });
    let end = workplace.run(|| args.jobs.pool(), &jobs, &scenarios, &mut telling);
    telling.progress.finish();
    let end = end?;
    telling.tell_kept_up_to(tasks.len(), end);
    if let Some(bundle) = &args.bundle {
        let conditions = Conditions {
            judged: telling.judging.get()?.clone(),
            description,
            programs: image.programs.clone(),
            modules: image.modules.clone(),
            options: options.clone(),
            require: args.require.concat(),
            slow: args.guest.slow,
        };
        bundling::write(bundle, &image, &conditions, &telling.bundled)?;
    }
    if let Some(failed) = telling.failed {
        return Err(failed);
    }
    if end == End::Interrupted {
        let expected = count(tasks.len(), "scenario");
        eprintln!("interrupted: {} of {expected} finished", telling.verdicts.len());
    }
    telling.tell(Entry::Ended {
        interrupted: end == End::Interrupted,
    });
    match (telling.failed, end) {
        (Some(failed), _) => Err(failed),
        (None, End::Interrupted) => Ok(Status::CouldNotTell),
        (None, End::Complete) => {
            // A part without scenarios has nothing to tell.
            Ok(telling
                .verdicts
                .iter()
                .max()
                .map_or(Status::Passed, |verdict| (*verdict).into()))
        }
    }
}
