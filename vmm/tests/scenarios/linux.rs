//! Linux as the reference: every shipped scenario and every program of the image runs on the guest and on the Linux that
//! this runs on, and what the two kernels answer is compared, answer by answer.
//!
//! What may differ stands, with the reason, in `scenarios/linux-differences.toml`. A difference that is not there fails, and
//! so does an entry that nothing matches any more.

pub(crate) mod differences;
mod programs;
mod wrong_kernel;

use std::path::PathBuf;

use libtest_mimic::{Failed, Trial};
use vmm::image::GuestImage;
use vmm::linux_reference::{StepClaims, replay, replayed_steps};
use vmm::report::Report;
use vmm::scenario::Scenario;

use crate::guest;
use differences::Differences;

/// Tests of what is no shipped scenario: programs, and the comparison itself.
pub(crate) fn trials(
    image: &'static GuestImage,
    differences: &'static Differences,
    files: &[PathBuf],
    names: &[PathBuf],
) -> Vec<Trial> {
    let mut tests = programs::trials(image, differences, files);
    tests.extend(wrong_kernel::trials(differences));
    let names: Vec<String> = names.iter().map(|name| name.display().to_string()).collect();
    tests.push(Trial::test(
        "every-listed-difference-has-its-scenario",
        move || no_orphans(differences, &names),
    ));
    tests.push(Trial::test(
        "a-difference-is-found-and-a-stale-entry-too",
        differences::a_difference_is_found_and_a_stale_entry_too,
    ));
    tests
}

/// Performs the scenario on Linux, and compares what it answers with what the guest did. The differences are those listed under `name`.
pub(crate) fn is_the_same(
    name: &str,
    report: &Report,
    scenario: &Scenario,
    image: &GuestImage,
    differences: &Differences,
) -> Result<(), Failed> {
    let linux = replay(&image.program("agent").ok_or("the image has an agent")?, scenario)?;
    differences.check(name, &claims(report, scenario), &linux)
}

/// Runs the scenario on both, and gives the guest's report when both answer the same; `options` are the guest kernel's.
fn compare(
    name: &str,
    scenario: &Scenario,
    image: &GuestImage,
    options: &[String],
    differences: &Differences,
) -> Result<Report, Failed> {
    let report = guest::run(image, scenario, options);
    is_the_same(name, &report, scenario, image, differences)?;
    Ok(report)
}

/// The claims of a report's operation steps, of those that this Linux performs too.
fn claims(report: &Report, scenario: &Scenario) -> Vec<StepClaims> {
    let replayed = replayed_steps(scenario);
    // Checks and ticks have none.
    let is_compared = |line: &&vmm::report::Line| {
        !line.claims.is_empty() && line.step.is_some_and(|step| replayed.contains(&step))
    };
    report
        .lines
        .iter()
        .filter(is_compared)
        .filter_map(|line| {
            Some(StepClaims {
                step: line.step?,
                claims: line.claims.clone(),
            })
        })
        .collect()
}

fn no_orphans(differences: &Differences, names: &[String]) -> Result<(), Failed> {
    let is_known = |name: &String| names.contains(name) || programs::names().any(|known| known == *name);
    match differences.iter().find(|listed| !is_known(&listed.scenario)) {
        Some(orphan) => Err(format!("{orphan:?} belongs to no scenario").into()),
        None => Ok(()),
    }
}
