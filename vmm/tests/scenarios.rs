//! Runs every shipped scenario, one test each, and compares its report with the one in `snapshots/`.
//!
//! A new scenario needs a reviewed snapshot: `cargo insta review`, or rename the `.snap.new` file after reading it.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use vmm::image::{self, GuestImage, ImageKind};
use vmm::report::Report;
use vmm::report::text::{Colour, Detail, render};
use vmm::run::Guest;
use vmm::scenario::{self, Scenario};

fn main() {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace");
    let files = scenario::collect(&[root.join("scenarios")]).expect("scenarios are shipped");
    let image: &'static GuestImage = Box::leak(Box::new(
        image::ensure(ImageKind::Shipped, &*image::to_stderr()).expect("the guest image can be built"),
    ));
    let snapshots = root.join("snapshots");
    let mut tests: Vec<Trial> = files
        .iter()
        .map(|file| {
            let (name, file, snapshots) = (name_of(file), file.clone(), snapshots.clone());
            Trial::test(name, move || report_is_as_reviewed(&file, &snapshots, image))
        })
        .collect();
    let names: Vec<String> = files.iter().map(|file| name_of(file)).collect();
    tests.push(Trial::test("every-snapshot-has-its-scenario", move || {
        no_orphans(&snapshots, &names)
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
    let report = render(&run(&scenario, image)?, Colour::Plain, Detail::Full);
    let shown = block("text", 1).ok_or("the README has a report")?;
    if shown == report {
        Ok(())
    } else {
        Err(format!("the README shows another report than\n{report}").into())
    }
}

fn run(scenario: &Scenario, image: &GuestImage) -> Result<Report, Failed> {
    let guest = Guest {
        kernel: &image.kernel,
        initrd: &image.initrd,
        options: &[],
    };
    Ok(vmm::run::run(&vmm::vm::open()?, &guest, scenario)?)
}

fn name_of(file: &Path) -> String {
    file.file_stem().expect("a file").to_string_lossy().into_owned()
}

fn report_is_as_reviewed(file: &Path, snapshots: &Path, image: &GuestImage) -> Result<(), Failed> {
    let text = fs::read_to_string(file)?;
    let scenario = Scenario::parse(&file.display().to_string(), &text, &image.programs)?;
    let report = run(&scenario, image)?;
    let settings = {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(snapshots);
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
    Ok(())
}

fn no_orphans(snapshots: &Path, names: &[String]) -> Result<(), Failed> {
    for entry in fs::read_dir(snapshots)? {
        let path: PathBuf = entry?.path();
        if path.extension().is_some_and(|extension| extension == "snap") && !names.contains(&name_of(&path)) {
            return Err(format!("{} belongs to no scenario", path.display()).into());
        }
    }
    Ok(())
}
