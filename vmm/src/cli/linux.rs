//! `vmm linux`: what the guest answers to a scenario, beside what the Linux of this machine answers.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use vmm::finding::difference;
use vmm::guest::Record;
use vmm::linux_reference::{Answers, ComparedStep, Comparison, Differences, answered, replay};
use vmm::perform::Claim;
use vmm::printable::Printable;
use vmm::report::Report;
use vmm::report::text::count;
use vmm::scenario::Scenario;

use super::single::SingleArgs;
use super::{Shown, Status, parse_all, print_line, show, show_as};

pub(super) const EXAMPLES: &str = "\
Examples:
  vmm linux scenarios/cow.json                   our kernel beside the Linux of this machine
  vmm linux --kernel mine/kernel scenarios/cow.json
                                                 another kernel
  vmm linux --add hello hello.json               a program of one's own, on both
  vmm linux --json scenarios/cow.json            for programs

The operations and programs of the scenario are performed on this machine, too, by the user who asks. Checks are not: they need a
look at the frames of a guest. Operations that only a guest has, such as those of a shadow page table, are left out.

Exit status:
  0  the two answer the same, but for what is listed with a reason
  1  they do not
  2  the input is unusable: an argument, a scenario, a list
  4  the harness or the host could not tell, or was interrupted
";

/// Name of the list of differences that a folder of scenarios may have.
const LIST: &str = "linux-differences.toml";

/// What to compare.
#[derive(Args)]
pub(super) struct LinuxArgs {
    #[command(flatten)]
    single: SingleArgs,
    /// What may differ, and why [default: linux-differences.toml in the nearest folder above the scenario that has one].
    #[arg(long, value_name = "FILE")]
    differences: Option<PathBuf>,
    /// Tell of it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn linux(args: &LinuxArgs) -> Result<Status, Shown> {
    let file = &args.single.file;
    let (differences, name) = listed(file, args.differences.as_deref())?;
    let guest = &args.single.runner.guest;
    let image = guest.image(&guest.description()?)?;
    let parsed = parse_all(std::slice::from_ref(file), |name, text| {
        Scenario::parse(name, text, &image.programs)
    })?;
    let [(_, scenario)] = parsed.as_slice() else {
        return Err(Shown(Status::UnusableInput));
    };
    let Some(agent) = image.program("agent") else {
        eprintln!(
            "error: the image has no program `agent`, which performs a scenario's operations on this machine"
        );
        return Err(Shown(Status::UnusableInput));
    };
    let report = args.single.run(Record::CLAIMS)?;
    let linux = replay(&agent, scenario).map_err(|error| show_as(Status::CouldNotTell, &error))?;
    let comparison = differences.compare(&name, &answered(&report, scenario), &linux);
    let text = if args.json {
        format!("{:#}", document(&report, &comparison))
    } else {
        told(&report, &comparison)
    };
    print_line(text.trim_end())?;
    Ok(match comparison.is_as_listed() {
        true => Status::Passed,
        false => Status::GuestFailed,
    })
}

/// The list of what may differ, and what it calls the scenario; an empty one where there is none.
fn listed(scenario: &Path, list: Option<&Path>) -> Result<(Differences, String), Shown> {
    let scenario = std::path::absolute(scenario).map_err(|error| show(&error))?;
    let nearest = || {
        let lists = scenario.ancestors().skip(1).map(|folder| folder.join(LIST));
        lists.into_iter().find(|list| list.is_file())
    };
    let Some(list) = list.map(Path::to_owned).or_else(nearest) else {
        return Ok((Differences::default(), String::new()));
    };
    let folder = std::path::absolute(&list).map_err(|error| show(&error))?;
    let folder = folder.parent().unwrap_or(Path::new("/"));
    let name = scenario
        .strip_prefix(folder)
        .unwrap_or(&scenario)
        .with_extension("");
    let differences = Differences::read(&list).map_err(|error| show(&error))?;
    Ok((differences, name.display().to_string()))
}

fn told(report: &Report, comparison: &Comparison) -> String {
    let mut text = format!(
        "{}: the guest beside the Linux of this machine\n\n",
        report.scenario
    );
    for line in &report.lines {
        let Some(number) = line.step else { continue };
        let compared = comparison.steps.iter().find(|step| step.step == number);
        let word = match compared {
            None => "    ",
            Some(step) if step.is_the_same() => "same",
            Some(step) if step.is_as_listed() => "may ",
            Some(_) => "DIFF",
        };
        text += &format!("{number:>4}  {word}  {}\n", line.what);
        if let Some(step) = compared {
            text += &answers(step);
        }
    }
    // Linux goes on where the guest's run has ended.
    let told = |number| report.lines.iter().any(|line| line.step == Some(number));
    for step in comparison.steps.iter().filter(|step| !told(step.step)) {
        text += &format!(
            "{:>4}  DIFF  the guest's run had ended\n{}",
            step.step,
            answers(step)
        );
    }
    for listed in &comparison.stale {
        text += &format!(
            "\nlisted for step {}, but does not occur: the guest {}, Linux {}\n",
            listed.step,
            Printable::from(listed.guest.as_str()),
            Printable::from(listed.linux.as_str())
        );
    }
    let count_of = |is_of_kind: fn(&ComparedStep) -> bool| {
        let of_kind = comparison.steps.iter().filter(|step| is_of_kind(step));
        of_kind.count()
    };
    let differ = count_of(|step| !step.is_as_listed());
    let may_differ = count_of(|step| step.is_as_listed() && !step.is_the_same());
    text += &format!(
        "\n{} compared: {differ} differ, {may_differ} may differ\n",
        count(comparison.steps.len(), "step")
    );
    text
}

/// The answers of a step that are not the same.
fn answers(step: &ComparedStep) -> String {
    let mut text = String::new();
    if step.answers.is_empty() {
        text += "              neither gave an answer that can be compared\n";
    }
    for answers in step.answers.iter().filter(|answers| !answers.are_the_same()) {
        for (name, words) in ["guest", "Linux"].into_iter().zip(words(answers)) {
            text += &format!(
                "              {name}  {}\n",
                Printable::from(words).below("                     ")
            );
        }
        if let Some(reason) = &answers.reason {
            text += &format!(
                "              both are right: {}\n",
                Printable::from(reason.as_str())
            );
        }
    }
    text
}

/// The guest's answer and Linux's: of what a program has printed on both, the lines that differ.
fn words(answers: &Answers) -> [String; 2] {
    match (&answers.guest, &answers.linux) {
        (
            Some(Claim::Ran { status, output }),
            Some(Claim::Ran {
                status: same,
                output: wanted,
            }),
        ) if status == same => {
            let (linux, guest) = difference(&String::from_utf8_lossy(wanted), output);
            [format!("printed {guest}"), format!("printed {linux}")]
        }
        _ => answers.in_words(),
    }
}

fn document(report: &Report, comparison: &Comparison) -> serde_json::Value {
    let steps: Vec<_> = comparison
        .steps
        .iter()
        .map(|step| {
            let answers: Vec<_> = step
                .answers
                .iter()
                .map(|answers| {
                    let [guest, linux] = answers.in_words().map(Printable::from);
                    json!({ "guest": guest, "linux": linux, "same": answers.are_the_same(), "reason": answers.reason })
                })
                .collect();
            json!({ "step": step.step, "answers": answers })
        })
        .collect();
    let stale: Vec<usize> = comparison.stale.iter().map(|listed| listed.step).collect();
    json!({
        "scenario": report.scenario,
        "as_listed": comparison.is_as_listed(),
        "steps": steps,
        "listed_without_occurring": stale,
    })
}
