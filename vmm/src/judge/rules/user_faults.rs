//! Whether faults that programs serve are what the page tables have them be.
//!
//! When a thread begins to wait for a page that is missing, the page is not mapped; when it goes on, it is. When it waits because a
//! page is protected from stores, the page is mapped; when it goes on, a store works. What the kernel tells of is the moment; what
//! is true at that moment was seen in the page tables.

use std::collections::BTreeMap;

use abi::PAGE_SIZE;
use abi::event::USER_FAULT_WRITE_PROTECTED;
use warehouse_server::Asked;

use super::{StandingRule, View};
use crate::finding::{Finding, excerpt};
use crate::judge::expectations::{Look, unlike};
use crate::judge::scene::Scene;
use crate::moments::{Interval, Seen, SeenFault};
use crate::promise::Promise;
use crate::rule::Rule;
use crate::scenario::{Loaded, VsockPort};
use crate::vm::VmError;

/// What was seen, and is not judged yet or may be asked about by a check.
#[derive(Debug, Default)]
pub(in crate::judge) struct UserFaults {
    /// Since the last step.
    fresh: Vec<SeenFault>,
    /// Since the last check that asked.
    kept: Vec<SeenFault>,
    /// Requests of each warehouse that were held against faults.
    requests_seen: BTreeMap<VsockPort, usize>,
    intervals: Vec<Interval>,
    missed: u64,
}

impl StandingRule for UserFaults {
    fn needs(&self) -> &'static [(Rule, Promise)] {
        &[(Rule::UserFault, Promise::UserFaults)]
    }

    fn note_moments(&mut self, seen: &mut Seen) {
        self.fresh.append(&mut seen.user_faults.faults);
        self.intervals.append(&mut seen.user_faults.intervals);
        self.missed = seen.user_faults.missed;
    }

    fn audit(&mut self, _view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        Ok(self.new_findings())
    }
}

impl UserFaults {
    /// What is wrong with each fault since this was last called.
    fn new_findings(&mut self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.fresh.iter().flat_map(wrong).collect();
        if self.missed > 0 {
            let found = format!("{} moments that were not looked at", self.missed);
            findings.push(Finding::missing(
                "faults that programs serve",
                "few enough to look at each, and reports of them in order",
                found,
            ));
        }
        self.kept.append(&mut self.fresh);
        findings
    }

    /// Holds what was seen of faults since the last such check against the warehouse: what it has, and what it was asked for.
    pub(in crate::judge) fn loaded(&mut self, expected: &Loaded, scene: &Scene<'_>) -> Look {
        let place = format!("the warehouse at port {}", expected.port);
        let warehouse = scene.stop.hosts();
        let warehouse = warehouse.and_then(|hosts| hosts.warehouse(expected.port.number()));
        let Some((text, requests)) = warehouse else {
            return Err(Finding::missing(place, "a warehouse of this run's", "none"));
        };
        let seen = self
            .requests_seen
            .insert(expected.port, requests.len())
            .unwrap_or(0);
        let faults = std::mem::take(&mut self.kept);
        let touched: Vec<u64> = faults.iter().filter_map(page_in_range).collect();
        if touched != expected.pages {
            return Err(unlike("the faults", list(&expected.pages), list(&touched)));
        }
        let new = requests.get(seen..).unwrap_or_default();
        let fetched = new.iter().filter_map(|request| match request.asked {
            Asked::Page(page) => Some(u64::from(page)),
            Asked::Size | Asked::Extracts(_) | Asked::Nonsense => None,
        });
        let fetched: Vec<u64> = fetched.collect();
        if fetched != expected.pages {
            let wanted = format!("asked for {}", list(&expected.pages));
            return Err(unlike(place, wanted, list(&fetched)));
        }
        let mut most_frames = 0;
        for (fault, page) in faults.iter().zip(&touched) {
            let name = format!("page {page} of the range");
            let Some(served) = &fault.served else {
                return Err(unlike(name, "served", "its thread still waits"));
            };
            let (Some(wanted), Some(found)) = (text.page(*page), &served.contents) else {
                return Err(unlike(
                    name,
                    "a page that the warehouse has",
                    "one that it has not",
                ));
            };
            if found.0 != wanted {
                let [wanted, found] = [excerpt(&wanted, &found.0), excerpt(&found.0, &wanted)];
                return Err(unlike(name, wanted, found));
            }
            if !served.unasked.is_empty() {
                let found = format!("{} others of the range, too", served.unasked.len());
                return Err(unlike(name, "mapped alone", found));
            }
            most_frames = most_frames.max(served.frames as u64);
        }
        if most_frames > expected.frames_at_most {
            let at_most = format!("{} frames at most", expected.frames_at_most);
            return Err(unlike("the program", at_most, format!("{most_frames} frames")));
        }
        let (count, pages) = (touched.len(), text.pages());
        Ok(format!("{count} of {pages} pages, {most_frames} frames in all"))
    }

    /// Holds the times in which programs tracked stores, since the last such check, against what has changed meanwhile.
    pub(in crate::judge) fn tracked(&mut self, times: &[Vec<u64>]) -> Look {
        let intervals = std::mem::take(&mut self.intervals);
        if intervals.len() != times.len() {
            let found = format!("{} times", intervals.len());
            return Err(unlike("tracked stores", format!("{} times", times.len()), found));
        }
        for ((interval, pages), number) in intervals.iter().zip(times).zip(1..) {
            let place = format!("tracked stores, time {number}");
            if interval.met != *pages {
                let found = format!("the protection met on {}", list(&interval.met));
                return Err(unlike(place, list(pages), found));
            }
            if interval.changed != *pages {
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
        }
        Ok(String::new())
    }
}

/// What is wrong with one fault.
fn wrong(fault: &SeenFault) -> Option<Finding> {
    let is_protected = fault.flags & USER_FAULT_WRITE_PROTECTED != 0;
    let Some(page) = page_in_range(fault) else {
        return Some(Finding::new(
            Rule::UserFault,
            "a fault that a program serves",
            "one in a range that it has registered",
            "one in no such range",
        ));
    };
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

/// Number of the page from the start of its range.
fn page_in_range(fault: &SeenFault) -> Option<u64> {
    let range = fault.range.as_ref()?;
    Some(fault.page.0.saturating_sub(range.start.0) / PAGE_SIZE)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::memory::FrameBytes;
    use crate::moments::{Served, Sighting};
    use crate::printable::Printable;

    const PROTECTED: u64 = USER_FAULT_WRITE_PROTECTED;

    fn served(is_mapped: bool, is_writable: bool) -> Option<Served> {
        Some(Served {
            contents: is_mapped.then(|| Box::new(FrameBytes::zeroed())),
            is_writable,
            unasked: Vec::new(),
            frames: 3,
        })
    }

    fn found(fault: &SeenFault) -> Option<Printable> {
        wrong(fault).map(|finding| {
            assert_eq!(finding.rule, Rule::UserFault);
            finding.found
        })
    }

    #[test]
    fn a_fault_that_is_one_and_is_served_is_right() {
        for fault in [
            SeenFault::example(0, false, served(true, true)),
            SeenFault::example(0, false, None),
            SeenFault::example(PROTECTED, true, served(true, true)),
        ] {
            assert_eq!(found(&fault), None, "{fault:?}");
        }
    }

    #[test]
    fn a_fault_that_is_none_or_goes_on_without_its_page_is_told() {
        let mut nowhere = SeenFault::example(0, false, served(true, true));
        nowhere.range = None;
        for (fault, expected) in [
            (nowhere, "one in no such range"),
            (SeenFault::example(0, true, served(true, true)), "mapped"),
            (SeenFault::example(0, false, served(false, false)), "not mapped"),
            (
                SeenFault::example(PROTECTED, false, served(true, true)),
                "not mapped",
            ),
            (
                SeenFault::example(PROTECTED, true, served(true, false)),
                "not writable",
            ),
        ] {
            assert_eq!(found(&fault).as_deref(), Some(expected), "{fault:?}");
        }
    }

    #[test]
    fn moments_that_nobody_looked_at_are_told() {
        let mut faults = UserFaults::default();
        faults.note_moments(&mut Seen {
            user_faults: Sighting {
                missed: 2,
                ..Sighting::default()
            },
            ..Seen::default()
        });
        let findings = faults.new_findings();
        assert!(findings.iter().any(|finding| finding.rule == Rule::Evidence));
    }
}
