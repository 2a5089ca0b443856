//! A leak shows without the kernel's account of its frames: what could be had before cannot be had again.

use std::fs;

use abi::boot::{CMDLINE_MUTANT, CMDLINE_WITHHOLD};
use libtest_mimic::Failed;
use vmm::guest::{Description, Guest};
use vmm::image::GuestImage;
use vmm::promise::Promise;
use vmm::report::text::{Colour, Detail, render};
use vmm::report::{Report, Verdict};
use vmm::rule::Rule;

/// A kernel that keeps no account passes when it leaks nothing, and fails when it does.
pub(crate) fn shows_in_behaviour(image: &GuestImage) -> Result<(), Failed> {
    let withheld = format!("{CMDLINE_WITHHOLD}=FRAME_TABLE");
    let honest = run(image, std::slice::from_ref(&withheld))?;
    if honest.verdict != Verdict::Pass {
        return Err(render(&honest, Colour::Plain, Detail::Full).into());
    }
    let leaks = run(image, &[withheld, format!("{CMDLINE_MUTANT}=exit-leaks-frame")])?;
    let told = |finding: &vmm::finding::Finding| {
        finding.rule == Rule::Result
            && finding
                .expected
                .to_string()
                .contains("as many children as before")
    };
    if leaks.verdict == Verdict::Fail && leaks.findings().any(told) {
        return Ok(());
    }
    Err(render(&leaks, Colour::Plain, Detail::Full).into())
}

/// Runs the scenario on a guest that promises every report but the account.
fn run(image: &GuestImage, options: &[String]) -> Result<Report, Failed> {
    let promises = Promise::ALL
        .iter()
        .filter(|promise| **promise != Promise::FrameAccount);
    let names: Vec<String> = promises.map(|promise| format!("'{}'", promise.name())).collect();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("guest.toml");
    fs::write(
        &file,
        format!("name = 'no account'\npromises = [{}]", names.join(", ")),
    )?;
    let guest = Guest::new(Description::read(&file)?, image, options)?;
    let scenario = crate::scenario("leaks", image);
    Ok(vmm::run::run(&vmm::vm::open()?, &guest, &scenario)?)
}
