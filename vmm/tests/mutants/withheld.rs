//! Silence earns nothing: a kernel with a fault that its reports would show passes no better when it does not send them.

use abi::boot::{CMDLINE_MUTANT, CMDLINE_WITHHOLD};
use libtest_mimic::Failed;
use vmm::image::GuestImage;
use vmm::report::Verdict;
use vmm::report::text::{Colour, Detail, render};
use vmm::rule::Rule;

use crate::entry::Mutant;

/// Events with which a rule is judged: those of one kind of report together, as a kernel that has something to hide would withhold them.
pub(crate) fn events_of(rule: Rule) -> &'static [&'static str] {
    match rule {
        Rule::FramesLost | Rule::References | Rule::FreeFrameMapped => &["FRAME_TABLE"],
        Rule::KernelWx => &["PAGES_PROTECTED"],
        Rule::Life => &["SWITCHED,WOKEN"],
        Rule::Inside => &["CREATED,EXECUTED,SWITCHED", "FRAME_TABLE"],
        Rule::UserFault => &["USER_FAULT_REGISTERED,USER_FAULT,USER_FAULT_SERVED"],
        Rule::Expectation => &["EXITED", "FATAL_FAULT", "FRAME_TABLE", "PAGES_OFFERED"],
        Rule::Ended | Rule::Answer => &["EXITED"],
        Rule::Death => &["PANIC", "LOG"],
        // What comes of an operation is told by an agent. That a process has ended, and how, is told by the kernel as well.
        Rule::Result => &["EXITED"],
        Rule::Contents
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
