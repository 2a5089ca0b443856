//! Linux as the reference: every shipped scenario and every program of the image runs on the guest and on the Linux that
//! this runs on, and what the two kernels answer is compared, answer by answer.
//!
//! What may differ stands, with the reason, in `scenarios/linux-differences.toml`. A difference that is not there fails, and
//! so does an entry that nothing matches any more.

mod differences;
#[path = "../support/guest.rs"]
mod guest;
mod programs;
#[path = "../support/shipped.rs"]
mod shipped;
mod wrong_kernel;

use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use vmm::image::{GuestImage, ImageKind};
use vmm::linux_reference::{StepClaims, replay, replayed_steps};
use vmm::report::Report;
use vmm::scenario::{self, Scenario};

use differences::Differences;

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace");
    let folder = root.join("scenarios");
    let files = scenario::collect(std::slice::from_ref(&folder)).expect("scenarios are shipped");
    let image = guest::image(ImageKind::Shipped);
    let differences: &'static Differences = Box::leak(Box::new(Differences::read(
        &root.join("scenarios/linux-differences.toml"),
    )));
    let names: Vec<String> = files.iter().map(|file| name_below(&folder, file)).collect();

    let mut tests = programs::trials(image, differences, &files);
    tests.extend(files.into_iter().zip(names.clone()).map(|(file, name)| {
        Trial::test(name.clone(), move || {
            scenario_is_as_on_linux(&name, &file, image, differences)
        })
    }));
    tests.extend(wrong_kernel::trials(differences));
    tests.push(Trial::test(
        "every-listed-difference-has-its-scenario",
        move || no_orphans(differences, &names),
    ));
    tests.push(Trial::test(
        "a-difference-is-found-and-a-stale-entry-too",
        differences::a_difference_is_found_and_a_stale_entry_too,
    ));
    libtest_mimic::run(&arguments, tests).exit();
}

/// The path of a scenario below the folder, without extension: two folders may have one of the same name.
fn name_below(folder: &Path, file: &Path) -> String {
    file.strip_prefix(folder)
        .expect("the file was found in the folder")
        .with_extension("")
        .display()
        .to_string()
}

fn scenario_is_as_on_linux(
    name: &str,
    file: &Path,
    image: &GuestImage,
    differences: &Differences,
) -> Result<(), Failed> {
    compare(name, &shipped::read(file, image), image, &[], differences)?;
    Ok(())
}

/// Runs the scenario on both, and gives the guest's report when both answer the same. The differences are those listed under
/// `name`; `options` are the guest kernel's.
fn compare(
    name: &str,
    scenario: &Scenario,
    image: &GuestImage,
    options: &[String],
    differences: &Differences,
) -> Result<Report, Failed> {
    let report = guest::run(image, scenario, options);
    let linux = replay(&image.program("agent").ok_or("the image has an agent")?, scenario)?;
    differences.check(name, &claims(&report, scenario), &linux)?;
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
