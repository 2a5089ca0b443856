//! What is otherwise in the named memory of one step than in that of another, of the same run or of two.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::memory::{MappedPage, MemoryMap};
use crate::printable::Printable;

/// One page, or one process, that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageDifference {
    /// The scenario's name for the process.
    pub process: Printable,
    /// The page, by the name of its area and its number there, from 0; None when the other one has no such process.
    pub page: Option<PageName>,
    /// What there is in the first one.
    pub first: String,
    /// What there is in the second one.
    pub second: String,
}

/// A page by its names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PageName {
    /// The area's name.
    pub area: Printable,
    /// The page's number in the area, from 0.
    pub number: u64,
}

impl fmt::Display for PageDifference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.page {
            Some(PageName { area, number }) => write!(formatter, "{}:{area}+{number}p", self.process),
            None => write!(formatter, "{}", self.process),
        }
    }
}

/// All that differs, by process, area and page. Processes, areas and pages are the same when their names are, frames too: in two runs a frame
/// has the same name when it is mentioned in the same place of both reports.
#[must_use]
pub fn page_differences(first: &MemoryMap, second: &MemoryMap) -> Vec<PageDifference> {
    let (first, second) = (processes(first), processes(second));
    let mut differences = Vec::new();
    for (process, first, second) in of_both(&first, &second) {
        if let (Some(first), Some(second)) = (first, second) {
            differences.extend(of_process(process, first, second));
            continue;
        }
        let told = |process: Option<_>| match process {
            Some(_) => "there is this process".to_owned(),
            None => "no such process".to_owned(),
        };
        differences.push(PageDifference {
            process: (*process).clone(),
            page: None,
            first: told(first),
            second: told(second),
        });
    }
    differences
}

fn of_process<'m>(
    process: &'m Printable,
    first: &'m Pages<'m>,
    second: &'m Pages<'m>,
) -> impl Iterator<Item = PageDifference> + 'm {
    of_both(first, second).filter_map(|(page, first, second)| {
        let (first, second) = (first.copied(), second.copied());
        if let (Some(first), Some(second)) = (first, second)
            && is_same(first, second)
        {
            return None;
        }
        let (first, second) = told(first, second);
        Some(PageDifference {
            process: process.clone(),
            page: Some(page.clone()),
            first,
            second,
        })
    })
}

/// What each key leads to, those that only the second one has last.
fn of_both<'m, K: Ord, V>(
    first: &'m BTreeMap<K, V>,
    second: &'m BTreeMap<K, V>,
) -> impl Iterator<Item = (&'m K, Option<&'m V>, Option<&'m V>)> {
    let of_second = second.keys().filter(|key| !first.contains_key(*key));
    let keys = first.keys().chain(of_second);
    keys.map(|key| (key, first.get(key), second.get(key)))
}

type Pages<'a> = BTreeMap<PageName, &'a MappedPage>;

fn processes(memory: &MemoryMap) -> BTreeMap<&Printable, Pages<'_>> {
    let mut processes = BTreeMap::new();
    for process in &memory.processes {
        let pages: &mut Pages<'_> = processes.entry(&process.process).or_default();
        for area in &process.areas {
            pages.extend(area.pages.iter().map(|page| {
                let name = PageName {
                    area: area.name.clone(),
                    number: page.page,
                };
                (name, page)
            }));
        }
    }
    processes
}

/// Whether two pages are. That one was written in its step says nothing of what there is.
fn is_same(first: &MappedPage, second: &MappedPage) -> bool {
    first.mapped_for == second.mapped_for && first.on == second.on
}

/// Both pages in words. Contents are told of where they differ.
fn told(first: Option<&MappedPage>, second: Option<&MappedPage>) -> (String, String) {
    let contents = |page: Option<&MappedPage>| Some(page?.on.as_ref()?.contents.clone());
    let differ = match (contents(first), contents(second)) {
        (Some(first), Some(second)) => first != second,
        _ => false,
    };
    let words = |page: Option<&MappedPage>| {
        let Some(page) = page else {
            return "not recorded".to_owned();
        };
        let mapped = match page.mapped_for.as_str() {
            "" => "unmapped".to_owned(),
            rights => format!("mapped {rights}"),
        };
        match &page.on {
            None => format!("{mapped}, not in memory"),
            Some(on) if differ => {
                format!("{mapped}, {} {}, contents {}", on.frame, on.allows, on.contents)
            }
            Some(on) => format!("{mapped}, {} {}", on.frame, on.allows),
        }
    };
    (words(first), words(second))
}

#[cfg(test)]
mod tests {
    use super::super::memory::{Area, MappedFrame, ProcessMemory};
    use super::*;

    fn page(number: u64, frame: &str, allows: &str, contents: &str) -> MappedPage {
        MappedPage {
            page: number,
            mapped_for: "rw-".to_owned(),
            on: Some(MappedFrame {
                frame: frame.into(),
                allows: allows.to_owned(),
                contents: contents.to_owned(),
            }),
            is_written: false,
        }
    }

    fn memory(processes: &[(&str, Vec<MappedPage>)]) -> MemoryMap {
        let processes = processes.iter().map(|(name, pages)| ProcessMemory {
            process: (*name).into(),
            areas: vec![Area {
                name: "buf".into(),
                length_pages: pages.len(),
                pages: pages.clone(),
            }],
        });
        MemoryMap {
            processes: processes.collect(),
            is_last: false,
        }
    }

    fn lines(first: &MemoryMap, second: &MemoryMap) -> Vec<String> {
        page_differences(first, second)
            .iter()
            .map(|difference| format!("{difference}: {} | {}", difference.first, difference.second))
            .collect()
    }

    #[test]
    fn frames_rights_contents_and_pages_that_are_not_there_differ() {
        let first = memory(&[(
            "parent",
            vec![
                page(0, "frame 1", "r--", "aa"),
                page(1, "frame 2", "rw-", "aa"),
                page(2, "frame 3", "rw-", "aa"),
                page(3, "frame 4", "rw-", "aa"),
            ],
        )]);
        let second = memory(&[(
            "parent",
            vec![
                page(0, "frame 1", "rw-", "aa"),
                page(1, "frame 9", "rw-", "aa"),
                page(2, "frame 3", "rw-", "bb"),
            ],
        )]);
        assert_eq!(
            lines(&first, &second),
            [
                "parent:buf+0p: mapped rw-, frame 1 r-- | mapped rw-, frame 1 rw-",
                "parent:buf+1p: mapped rw-, frame 2 rw- | mapped rw-, frame 9 rw-",
                "parent:buf+2p: mapped rw-, frame 3 rw-, contents aa | mapped rw-, frame 3 rw-, contents bb",
                "parent:buf+3p: mapped rw-, frame 4 rw- | not recorded",
            ]
        );
    }

    #[test]
    fn that_a_page_was_written_in_one_of_the_steps_is_no_difference() {
        let mut written = page(0, "frame 1", "r--", "aa");
        written.is_written = true;
        let first = memory(&[("parent", vec![page(0, "frame 1", "r--", "aa")])]);
        assert_eq!(lines(&first, &memory(&[("parent", vec![written])])), [""; 0]);
    }

    #[test]
    fn a_process_of_only_one_is_told_once() {
        let one = memory(&[("parent", vec![])]);
        let two = memory(&[
            ("parent", vec![]),
            ("child", vec![page(0, "frame 1", "r--", "aa")]),
        ]);
        assert_eq!(
            lines(&one, &two),
            ["child: no such process | there is this process"]
        );
        assert_eq!(
            lines(&two, &one),
            ["child: there is this process | no such process"]
        );
    }
}
