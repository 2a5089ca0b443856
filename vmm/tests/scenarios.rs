//! Runs every shipped scenario, one test each, and compares its report with the one in `snapshots/`.
//!
//! A new scenario needs a reviewed snapshot: `cargo insta review`, or rename the `.snap.new` file after reading it.

#[path = "support/guest.rs"]
mod guest;
#[path = "support/shipped.rs"]
mod shipped;

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use vmm::image::{GuestImage, ImageKind};
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
    let snapshots = root.join("snapshots");
    let names: Vec<PathBuf> = files.iter().map(|file| name_below(&scenarios, file)).collect();
    let mut tests: Vec<Trial> = files
        .into_iter()
        .zip(&names)
        .map(|(file, name)| {
            let snapshot = snapshots.join(name);
            Trial::test(name.display().to_string(), move || {
                report_is_as_reviewed(&file, &snapshot, image);
                Ok(())
            })
        })
        .collect();
    tests.push(Trial::test("every-snapshot-has-its-scenario", move || {
        no_orphans(&snapshots, &snapshots, &names)
    }));
    tests.push(Trial::test("the-readmes-example-is-true", move || {
        readme_is_true(root, image)
    }));
    libtest_mimic::run(&arguments, tests).exit();
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

/// The path of a scenario or snapshot below its folder, without extension: the same for both.
fn name_below(folder: &Path, file: &Path) -> PathBuf {
    file.strip_prefix(folder)
        .expect("the file was found in the folder")
        .with_extension("")
}

fn report_is_as_reviewed(file: &Path, snapshot: &Path, image: &GuestImage) {
    let scenario = shipped::read(file, image);
    let report = guest::run(image, &scenario, &[]);
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
            render(&report, Colour::Plain, Detail::Full)
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
