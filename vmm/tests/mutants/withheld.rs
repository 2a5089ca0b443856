//! Silence earns nothing: a kernel with a fault that its reports would show passes no better when it does not send them.

use abi::boot::{CMDLINE_MUTANT, CMDLINE_WITHHOLD};
use libtest_mimic::Failed;
use vmm::image::GuestImage;
use vmm::report::Verdict;
use vmm::report::text::{Colour, Detail, render};
use vmm::rule::Rule;

use crate::entry::Mutant;

/// Mutants of which an end that the kernel reports tells.
const TOLD_BY_ENDS: &[&str] = &["exit-code-truncated", "kill-ignored", "wait-wrong-child"];

/// Events with which a mutant is caught: those of one kind of report together, as a kernel that has something to hide would withhold
/// them.
pub(crate) fn events_of(mutant: &Mutant) -> &'static [&'static str] {
    match mutant.rule {
        Rule::FramesLost | Rule::References | Rule::FreeFrameMapped => &["FRAME_TABLE"],
        Rule::KernelWx => &["PAGES_PROTECTED"],
        Rule::Life => &["SWITCHED,WOKEN"],
        Rule::Inside => &["CREATED,EXECUTED,SWITCHED", "FRAME_TABLE"],
        Rule::UserFault => &["USER_FAULT_REGISTERED,USER_FAULT,USER_FAULT_SERVED"],
        Rule::Ended | Rule::Answer => &["EXITED"],
        Rule::Expectation if mutant.scenario.starts_with("modules/") => &["FRAME_TABLE", "PAGES_OFFERED"],
        Rule::Result if TOLD_BY_ENDS.contains(&mutant.name) => &["EXITED"],
        // What an agent or a program tells, what is in memory, and what the machine sees: no report shows it.
        Rule::Result
        | Rule::Expectation
        | Rule::Death
        | Rule::Contents
        | Rule::Permissions
        | Rule::StillMapped
        | Rule::WritableTwice
        | Rule::KernelExposed
        | Rule::PageCache
        | Rule::PageTables
        | Rule::PageMap
        | Rule::ShadowTable
        | Rule::Clock
        | Rule::Speaker
        | Rule::ProgramOutput
        | Rule::PageTableInUse
        | Rule::Reports
        | Rule::Walker
        | Rule::Evidence => &[],
    }
}

/// The mutant does not pass when its kernel withholds these events.
pub(crate) fn does_not_pass(mutant: &Mutant, events: &str, image: &GuestImage) -> Result<(), Failed> {
    let options = [
        format!("{CMDLINE_MUTANT}={}", mutant.name),
        format!("{CMDLINE_WITHHOLD}={events}"),
    ];
    let report = crate::run(mutant.scenario, &options, image);
    match report.verdict {
        Verdict::Fail | Verdict::Broken => Ok(()),
        Verdict::Pass => Err(format!(
            "it passes without {events}\n{}",
            render(&report, Colour::Plain, Detail::Full)
        )
        .into()),
    }
}
