//! Whether faults that programs serve are what the page tables have them be.
//!
//! When a thread begins to wait for a page that is missing, the page is not mapped; when it goes on, it is. When it waits because a
//! page is protected from stores, the page is mapped; when it goes on, a store works. What the kernel tells of is the moment; what
//! is true at that moment was seen in the page tables.

use abi::event::USER_FAULT_WRITE_PROTECTED;

use super::expectations::{Look, unlike};
use super::{Finding, Rule};
use crate::drive::{Interval, SeenFault, Sighting};

/// What was seen, and is not judged yet or may be asked about by a check.
#[derive(Debug, Default)]
pub(super) struct UserFaults {
    /// Since the last step.
    fresh: Vec<SeenFault>,
    /// Since the last check that asked.
    kept: Vec<SeenFault>,
    intervals: Vec<Interval>,
    missed: u64,
}

impl UserFaults {
    pub(super) fn note(&mut self, sighting: Sighting) {
        self.fresh.extend(sighting.faults);
        self.intervals.extend(sighting.intervals);
        self.missed = sighting.missed;
    }

    /// The rules that hold for each fault.
    pub(super) fn audit(&mut self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.fresh.iter().flat_map(wrong).collect();
        if self.missed > 0 {
            let found = format!("{} moments that were not looked at", self.missed);
            findings.push(Finding::new(
                Rule::Evidence,
                "faults that programs serve",
                "few enough to look at each, and reports of them in order",
                found,
            ));
        }
        self.kept.append(&mut self.fresh);
        findings
    }

    /// Holds the last time in which a program tracked stores against what changed.
    pub(super) fn tracked(&mut self, pages: &[u64]) -> Look {
        let place = "tracked stores";
        let Some(interval) = self.intervals.pop() else {
            let found = "no range was registered with write protection, and unregistered";
            return Err(Finding::new(Rule::Evidence, place, "tracked stores", found));
        };
        self.intervals.clear();
        if interval.met != pages {
            return Err(unlike(
                place,
                list(pages),
                format!("the protection met on {}", list(&interval.met)),
            ));
        }
        if interval.changed != pages {
            return Err(unlike(
                place,
                list(pages),
                format!("changes of {}", list(&interval.changed)),
            ));
        }
        if let Some(page) = pages.iter().find(|page| !interval.written.contains(page)) {
            return Err(unlike(
                place,
                list(pages),
                format!("page {page} is not in KVM's log"),
            ));
        }
        Ok(String::new())
    }
}

/// What is wrong with one fault.
fn wrong(fault: &SeenFault) -> Option<Finding> {
    let is_protected = fault.flags & USER_FAULT_WRITE_PROTECTED != 0;
    let Some(range) = &fault.range else {
        return Some(finding(
            fault,
            "a page whose faults a program serves",
            "one of no such range",
        ));
    };
    let page = (fault.page.0.saturating_sub(range.start.0)) / abi::PAGE_SIZE;
    let served = fault.served.as_ref()?;
    let (expected, found) = match (is_protected, fault.was_mapped, &served.contents) {
        (false, true, _) => ("not mapped when its thread begins to wait", "mapped"),
        (true, false, _) => ("mapped when a store to it waits", "not mapped"),
        (_, _, None) => ("mapped when its thread goes on", "not mapped"),
        (true, true, Some(_)) if !served.is_writable => ("writable when the store goes on", "not writable"),
        (_, _, Some(_)) => return None,
    };
    Some(Finding::new(
        Rule::UserFault,
        format!("page {page} of the range"),
        expected,
        found,
    ))
}

fn finding(fault: &SeenFault, expected: &str, found: &str) -> Finding {
    Finding::new(Rule::UserFault, fault.page.to_string(), expected, found)
}

fn list(pages: &[u64]) -> String {
    match pages {
        [] => "no page".to_owned(),
        pages => {
            let numbers: Vec<String> = pages.iter().map(u64::to_string).collect();
            format!("pages {}", numbers.join(", "))
        }
    }
}
