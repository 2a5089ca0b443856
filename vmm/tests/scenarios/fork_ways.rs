//! Both ways in which the kernel can pass memory on at fork: every scenario that forks does the same with `fork=copy` as with
//! `fork=cow`. Only a check that speaks of frames can tell the two apart. Scenarios of memory that is too small are left out: copies
//! need room that they do not have.

use std::path::PathBuf;

use libtest_mimic::{Failed, Trial};
use vmm::image::GuestImage;
use vmm::report::Report;
use vmm::report::text::{Colour, Detail, render};
use vmm::rule::Rule;
use vmm::scenario::{Scenario, Step};

use crate::{guest, shipped};

/// The option of the kernel.
const OPTION: &str = "fork";

/// Runs a scenario that forks once more, on the kernel that copies. `report` is of the kernel that does not.
pub(crate) fn are_the_same(report: &Report, scenario: &Scenario, image: &GuestImage) -> Result<(), Failed> {
    if !forks_either_way(scenario) {
        return Ok(());
    }
    let mut copying = scenario.clone();
    copying.guest.options.insert(OPTION.to_owned(), "copy".to_owned());
    let copy = guest::run(image, &copying, &[]);
    if !results(report).eq(results(&copy)) {
        let copy = render(&copy, Colour::Plain, Detail::Full);
        return Err(format!("a kernel that copies at fork gives other results:\n{copy}").into());
    }
    match copy.findings().find(|finding| finding.rule != Rule::Expectation) {
        Some(_) => Err(render(&copy, Colour::Plain, Detail::Full).into()),
        None => Ok(()),
    }
}

/// What the steps came to, and what was claimed in them.
fn results(report: &Report) -> impl Iterator<Item = impl PartialEq> {
    let lines = report.lines.iter();
    lines.map(|line| (line.result.clone(), line.claims.clone()))
}

fn forks_either_way(scenario: &Scenario) -> bool {
    let forks = |step: &Step| step.to_string().contains(": fork");
    let has_way = scenario.guest.options.contains_key(OPTION);
    scenario.steps.iter().any(forks) && !has_way && scenario.guest.swap.is_none()
}

/// A test that the ways are compared at all.
pub(crate) fn some_scenarios_fork(files: &[PathBuf], image: &'static GuestImage) -> Trial {
    let files = files.to_vec();
    Trial::test("some-scenarios-fork-in-both-ways", move || {
        let scenarios = files.iter().map(|file| shipped::read(file, image));
        match scenarios.filter(forks_either_way).count() {
            0..=5 => Err("most scenarios fork".into()),
            _ => Ok(()),
        }
    })
}
