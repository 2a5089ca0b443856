//! Which functions the kernel has called since the last check.

use std::collections::{BTreeMap, BTreeSet};

use super::{Look, unlike};
use crate::finding::Finding;
use crate::scenario::{Calls, FunctionName, Functions, ProcessName};
use crate::trace::{Trace, What};

/// Most calls that are kept between two checks.
const MOST_CALLS: usize = 1 << 20;
/// Most functions that a finding names.
const MOST_TOLD: usize = 12;

/// The functions that a scenario names, and for each a part of what the guest's kernel calls it.
#[derive(Debug, Default)]
pub struct NamedFunctions {
    parts: BTreeMap<FunctionName, String>,
    /// Those of which the kernel has none.
    absent: BTreeSet<FunctionName>,
}

impl NamedFunctions {
    /// Those of a scenario in the guest of this name. `is_there` says whether its kernel has a function with such a part in its name.
    #[must_use]
    pub fn of(functions: &Functions, guest: &str, is_there: impl Fn(&str) -> bool) -> NamedFunctions {
        let part = |(name, parts): (&FunctionName, &BTreeMap<String, String>)| {
            Some((name.clone(), parts.get(guest)?.clone()))
        };
        let parts: BTreeMap<FunctionName, String> = functions.iter().filter_map(part).collect();
        let absent = parts.iter().filter(|(_, part)| !is_there(part));
        NamedFunctions {
            absent: absent.map(|(name, _)| name.clone()).collect(),
            parts,
        }
    }

    /// Whether a function of the kernel is what the scenario calls so.
    fn is(&self, name: &FunctionName, function: &str) -> bool {
        let part = self.parts.get(name);
        part.is_some_and(|part| function.contains(part.as_str()))
    }

    fn told(&self, name: &FunctionName) -> String {
        let part = self.parts.get(name).map_or("", String::as_str);
        format!("{name} ({part})")
    }
}

/// What was seen of the kernel's functions since the last check.
#[derive(Default)]
pub(in crate::judge) struct SeenCalls {
    functions: NamedFunctions,
    steps: Vec<StepCalls>,
    is_cut: bool,
}

/// What was seen in one step.
struct StepCalls {
    /// A trace of which only the names are left.
    names: Trace,
    /// Each call by its numbers there: the kernel stack, and the function.
    calls: Vec<(u32, u32)>,
}

impl StepCalls {
    /// The functions that are called in the time of this process, or of any.
    fn of(&self, process: Option<&ProcessName>) -> impl Iterator<Item = &str> {
        let is_of =
            move |thread: u32| process.is_none_or(|process| self.names.thread(thread) == process.as_str());
        let calls = self.calls.iter().filter(move |(thread, _)| is_of(*thread));
        calls.map(|(_, function)| self.names.function(*function))
    }
}

impl SeenCalls {
    /// Nothing yet.
    pub(in crate::judge) fn of(functions: NamedFunctions) -> SeenCalls {
        SeenCalls {
            functions,
            ..SeenCalls::default()
        }
    }

    /// Takes note of what the kernel did in a step.
    pub(in crate::judge) fn note(&mut self, trace: &Trace) {
        let mut room = MOST_CALLS - self.steps.iter().map(|step| step.calls.len()).sum::<usize>();
        let mut calls = Vec::new();
        let mut thread = 0;
        self.is_cut |= trace.is_cut;
        for event in &trace.events {
            match event.what {
                What::Stack(number) => thread = number,
                What::Call(_) if room == 0 => self.is_cut = true,
                What::Call(number) => {
                    calls.push((thread, number));
                    room -= 1;
                }
                _ => {}
            }
        }
        let names = Trace {
            functions: trace.functions.clone(),
            threads: trace.threads.clone(),
            ..Trace::default()
        };
        self.steps.push(StepCalls { names, calls });
    }

    /// A check has been made: what comes now counts for the next one.
    pub(in crate::judge) fn forget(&mut self) {
        self.steps.clear();
        self.is_cut = false;
    }

    /// Whether the functions have been called as expected.
    pub(super) fn look(&self, expected: &Calls) -> Look {
        let functions = &self.functions;
        let process = expected.process.as_ref();
        let calls = self.steps.iter().flat_map(|step| step.of(process));
        let calls: Vec<&str> = calls.collect();
        let place = process.map_or("the kernel".to_owned(), |process| {
            format!("the kernel, for {process}")
        });
        if self.is_cut {
            let found = "it did so much that not all of it was kept";
            return Err(Finding::missing(place, "all that it does", found));
        }
        if let Some((.., name)) = expected
            .named()
            .find(|(.., name)| functions.absent.contains(name))
        {
            let found = "no function of this kernel has that in its name";
            return Err(Finding::missing(place, functions.told(name), found));
        }
        self.order(&expected.order, &calls, &place)?;
        for name in &expected.never {
            if let Some(called) = calls.iter().find(|function| functions.is(name, function)) {
                return Err(unlike(
                    place,
                    format!("it never calls {}", self.functions.told(name)),
                    *called,
                ));
            }
        }
        if let Some(name) = &expected.last {
            let last = calls.last().copied();
            if !last.is_some_and(|function| self.functions.is(name, function)) {
                let found = last.unwrap_or("it calls nothing");
                return Err(unlike(
                    place,
                    format!("it calls {} last of all", self.functions.told(name)),
                    found,
                ));
            }
        }
        Ok(String::new())
    }

    fn order(&self, order: &[FunctionName], calls: &[&str], place: &str) -> Result<(), Finding> {
        let mut rest = calls;
        let mut before: Option<&FunctionName> = None;
        for name in order {
            let Some(at) = rest.iter().position(|function| self.functions.is(name, function)) else {
                let behind = before.map_or(String::new(), |before| format!(" after {before}"));
                let expected = format!("it calls {}{behind}", self.functions.told(name));
                return Err(unlike(place, expected, list(rest)));
            };
            rest = &rest[at + 1..];
            before = Some(name);
        }
        Ok(())
    }
}

/// The functions that are called, each once.
fn list(calls: &[&str]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for function in calls {
        if !names.contains(function) {
            names.push(function);
        }
    }
    if names.is_empty() {
        return "it calls nothing more".to_owned();
    }
    let left_out = names.len().saturating_sub(MOST_TOLD);
    names.truncate(MOST_TOLD);
    let more = if left_out == 0 {
        String::new()
    } else {
        format!(", and {left_out} more")
    };
    format!("it calls {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TraceEvent;

    fn seen() -> SeenCalls {
        let functions = r#"{
            "trap": { "tiny": "handle_trap", "other": "exc" },
            "copy": { "tiny": "cow::copy" },
            "switch": { "tiny": "switch" },
            "flush": { "tiny": "gone" }
        }"#;
        let functions: Functions = serde_json::from_str(functions).unwrap();
        let is_there = |part: &str| part != "gone";
        let mut seen = SeenCalls::of(NamedFunctions::of(&functions, "tiny", is_there));
        let whats = [
            What::Stack(0),
            What::Call(0),
            What::Call(1),
            What::Call(2),
            What::Stack(1),
            What::Call(3),
        ];
        let names = ["handle_trap", "cow::copy", "switch", "idle"];
        seen.note(&Trace {
            functions: names.map(Into::into).into(),
            threads: ["child", "parent"].map(Into::into).into(),
            events: whats.map(|what| TraceEvent { at: 0, what }).into(),
            ..Trace::default()
        });
        seen
    }

    fn look(expected: &str) -> Look {
        seen().look(&serde_json::from_str(expected).unwrap())
    }

    #[test]
    fn functions_are_called_in_an_order_with_others_between_them() {
        assert_eq!(look(r#"{ "order": ["trap", "switch"] }"#), Ok(String::new()));
        let finding = look(r#"{ "order": ["trap", "switch", "copy"] }"#).unwrap_err();
        assert_eq!(
            finding.expected.as_str(),
            "it calls copy (cow::copy) after switch"
        );
        assert_eq!(finding.found.as_str(), "it calls idle");
        let finding = look(r#"{ "order": ["trap", "trap"] }"#).unwrap_err();
        assert_eq!(finding.found.as_str(), "it calls cow::copy, switch, idle");
    }

    #[test]
    fn what_is_called_never_or_last_is_so_in_the_time_of_one_process() {
        assert_eq!(
            look(r#"{ "in": "parent", "never": ["copy"] }"#),
            Ok(String::new())
        );
        let finding = look(r#"{ "in": "child", "never": ["copy"] }"#).unwrap_err();
        assert_eq!(finding.place.as_str(), "the kernel, for child");
        assert_eq!(finding.found.as_str(), "cow::copy");
        assert_eq!(look(r#"{ "in": "child", "last": "switch" }"#), Ok(String::new()));
        let finding = look(r#"{ "last": "switch" }"#).unwrap_err();
        assert_eq!(finding.found.as_str(), "idle");
    }

    #[test]
    fn what_was_not_all_kept_proves_nothing_and_what_was_forgotten_neither() {
        let mut seen = seen();
        seen.is_cut = true;
        let never: Calls = serde_json::from_str(r#"{ "in": "parent", "never": ["copy"] }"#).unwrap();
        assert!(seen.look(&never).is_err());
        let absent: Calls = serde_json::from_str(r#"{ "never": ["flush"] }"#).unwrap();
        seen.is_cut = false;
        assert_eq!(seen.look(&absent).unwrap_err().expected.as_str(), "flush (gone)");
        seen.forget();
        let order: Calls = serde_json::from_str(r#"{ "order": ["trap"] }"#).unwrap();
        assert_eq!(
            seen.look(&order).unwrap_err().found.as_str(),
            "it calls nothing more"
        );
    }
}
