//! Runs every shipped scenario, one test each, and looks at what comes of it:
//!
//! - its report is the one in `snapshots/` (here). A new scenario needs a reviewed snapshot: `cargo insta review`, or rename the
//!   `.snap.new` file after reading it
//! - the Linux that this runs on answers the same ([`linux`])
//! - the kernel does the same when it copies at fork ([`fork_ways`])

mod fork_ways;
#[path = "../support/guest.rs"]
mod guest;
mod linux;
#[path = "../support/shipped.rs"]
mod shipped;

use std::cmp::Reverse;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use vmm::image::{GuestImage, ImageKind};
use vmm::linux_reference::Differences;
use vmm::report::Report;
use vmm::report::text::{Colour, Detail, render};
use vmm::scenario::{self, Scenario};

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace");
    let scenarios = root.join("scenarios");
    let files = scenario::collect(std::slice::from_ref(&scenarios)).expect("scenarios are shipped");
    let image = guest::image(ImageKind::Shipped);
    let differences: &'static Differences = Box::leak(Box::new(
        Differences::read(&scenarios.join("linux-differences.toml"))
            .unwrap_or_else(|error| panic!("{error}")),
    ));
    let snapshots = root.join("snapshots");
    let names: Vec<PathBuf> = files.iter().map(|file| name_below(&scenarios, file)).collect();
    let mut tests = linux::trials(image, differences, &files, &names);
    tests.push(fork_ways::some_scenarios_fork(&files, image));
    let mut scenarios: Vec<(&PathBuf, Scenario)> = std::iter::zip(&names, files)
        .map(|(name, file)| (name, shipped::read(&file, image)))
        .collect();
    // What takes longest begins first, so that nobody waits for it alone.
    scenarios.sort_by_key(|(_, scenario)| Reverse((scenario.explores(), scenario.budget.seconds)));
    tests.splice(
        ..0,
        scenarios.into_iter().map(|(name, scenario)| {
            let (name, snapshot) = (name.display().to_string(), snapshots.join(name));
            Trial::test(name.clone(), move || {
                is_as_it_should_be(&name, &scenario, &snapshot, image, differences)
            })
        }),
    );
    tests.push(Trial::test("every-snapshot-has-its-scenario", move || {
        no_orphans(&snapshots, &snapshots, &names)
    }));
    tests.push(Trial::test("the-readmes-example-is-true", move || {
        readme_is_true(root, image)
    }));
    libtest_mimic::run(&arguments, tests).exit();
}

/// One run of the scenario is all that its comparisons need. Each is made, whatever the one before has found.
fn is_as_it_should_be(
    name: &str,
    scenario: &Scenario,
    snapshot: &Path,
    image: &GuestImage,
    differences: &Differences,
) -> Result<(), Failed> {
    let report = guest::run(image, scenario, &[]);
    let reviewed = catch_unwind(AssertUnwindSafe(|| is_as_reviewed(&report, scenario, snapshot)));
    let compared = [
        reviewed.map_err(|_| Failed::from("the report is not the one that was reviewed; see above")),
        linux::is_the_same(name, &report, scenario, image, differences),
        fork_ways::are_the_same(&report, scenario, image),
    ];
    compared.into_iter().collect()
}

/// The first JSON block of the README is a scenario, and the second text block its report.
fn readme_is_true(root: &Path, image: &GuestImage) -> Result<(), Failed> {
    let readme = fs::read_to_string(root.join("README.md"))?;
    let block = |language: &str, index: usize| -> Option<&str> {
        let start = format!("```{language}\n");
        readme.split(start.as_str()).nth(index + 1)?.split("```").next()
    };
    let text = block("json", 0).ok_or("the README has a scenario")?;
    let scenario = Scenario::parse("first-write.json", text, &image.programs)?;
    let report = render(&guest::run(image, &scenario, &[]), Colour::Plain, Detail::Full);
    let shown = block("text", 1).ok_or("the README has a report")?;
    if shown == report {
        Ok(())
    } else {
        Err(format!("the README shows another report than\n{report}").into())
    }
}

/// The path of a scenario or snapshot below its folder, without extension: the same for both, while two folders may have a scenario of
/// the same name.
fn name_below(folder: &Path, file: &Path) -> PathBuf {
    file.strip_prefix(folder)
        .expect("the file was found in the folder")
        .with_extension("")
}

fn is_as_reviewed(report: &Report, scenario: &Scenario, snapshot: &Path) {
    let settings = {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(snapshot.parent().expect("snapshots lie in a folder"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(scenario.description.clone());
        settings
    };
    settings.bind(|| {
        insta::assert_snapshot!(
            scenario.name.as_str(),
            render(report, Colour::Plain, Detail::Full)
        );
    });
}

fn no_orphans(snapshots: &Path, folder: &Path, names: &[PathBuf]) -> Result<(), Failed> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            no_orphans(snapshots, &path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "snap")
            && !names.contains(&name_below(snapshots, &path))
        {
            return Err(format!("{} belongs to no scenario", path.display()).into());
        }
    }
    Ok(())
}
