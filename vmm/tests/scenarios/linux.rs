//! Linux as the reference: every shipped scenario and every program of the image runs on the guest and on the Linux that
//! this runs on, and what the two kernels answer is compared, answer by answer.
//!
//! What may differ stands, with the reason, in `scenarios/linux-differences.toml`. A difference that is not there fails, and
//! so does an entry that nothing matches any more.

mod programs;
mod wrong_kernel;

use std::path::PathBuf;

use libtest_mimic::{Failed, Trial};
use vmm::image::GuestImage;
use vmm::linux_reference::{Differences, answered, replay};
use vmm::report::Report;
use vmm::scenario::Scenario;

use crate::guest;

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
    let comparison = differences.compare(name, &answered(report, scenario), &linux);
    match comparison.is_as_listed() {
        true => Ok(()),
        false => Err(comparison.to_string().into()),
    }
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

fn no_orphans(differences: &Differences, names: &[String]) -> Result<(), Failed> {
    let is_known = |name: &String| names.contains(name) || programs::names().any(|known| known == *name);
    match differences.iter().find(|listed| !is_known(&listed.scenario)) {
        Some(orphan) => Err(format!("{orphan:?} belongs to no scenario").into()),
        None => Ok(()),
    }
}
