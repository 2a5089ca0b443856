//! What happened, as lines of text: functions below those that called them, with their instructions.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::under_way::UnderWay;
use super::{Trace, What, inlined};

/// What to leave out of a tree.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The process whose time in the kernel is shown; None for all.
    pub of: Option<String>,
    /// How many functions below each other are shown; None for all.
    pub depth: Option<usize>,
    /// Parts of the names of functions that are shown; all when there is none. What changed is shown in any case.
    pub only: Vec<String>,
}

impl Selection {
    fn is_of(&self, thread: &str) -> bool {
        self.of.as_ref().is_none_or(|of| of == thread)
    }

    /// Whether a function is shown with so many under way.
    fn shows(&self, name: &str, under_way: usize) -> bool {
        let is_deep = self.depth.is_some_and(|most| under_way >= most);
        !is_deep && (self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str())))
    }
}

/// The lines. Each function has the instructions of its own and of those that it called, in its stretch of the trace.
#[must_use]
pub fn lines(trace: &Trace, choice: &Selection) -> String {
    let totals = totals(trace);
    let mut under_way: UnderWay<bool> = UnderWay::default();
    let mut text = String::new();
    let mut told_thread = None;
    for (place, event) in trace.events.iter().enumerate() {
        // Those that are not shown take no room.
        let depth = under_way.functions().iter().filter(|shown| **shown).count();
        let count = under_way.functions().len();
        let is_shown = |function: u32| choice.shows(trace.function(function), count);
        let thread = match event.what {
            What::Stack(number) => number,
            _ => under_way.current(),
        };
        if choice.is_of(trace.thread(thread)) {
            if told_thread != Some(thread) && !matches!(event.what, What::Leave | What::Return) {
                told_thread = Some(thread);
                line(&mut text, None, 0, &format!("-- {} --", trace.thread(thread)));
            }
            match event.what {
                What::Enter(way) => line(&mut text, None, 0, &format!("> {way}")),
                What::Leave => line(&mut text, None, 0, "< back to user mode"),
                What::Call(function) if is_shown(function) => {
                    let name = with_place(trace, function, trace.function(function).to_owned());
                    line(&mut text, Some(totals[place]), depth, &name);
                }
                What::Resume(function) if is_shown(function) => {
                    let name = format!("... {}", trace.function(function));
                    line(&mut text, Some(totals[place]), depth, &name);
                }
                What::Inline(function) if is_shown(function) => {
                    let name = with_place(trace, function, inlined(trace.function(function)));
                    line(&mut text, Some(totals[place]), depth, &name);
                }
                What::Change(number) => {
                    let change = trace.change(number).map(ToString::to_string);
                    line(
                        &mut text,
                        None,
                        depth,
                        &format!("* {}", change.unwrap_or_default()),
                    );
                }
                What::Call(_) | What::Resume(_) | What::Inline(_) | What::Return | What::Stack(_) => {}
            }
        }
        under_way.go_on(event, is_shown);
    }
    if trace.is_cut {
        line(&mut text, None, 0, "... and more, which is not recorded");
    }
    text
}

/// The functions that are called, and those in them that were recorded, a line each, in order.
#[must_use]
pub fn names(trace: &Trace, choice: &Selection) -> String {
    let mut under_way: UnderWay<()> = UnderWay::default();
    let mut text = String::new();
    for event in &trace.events {
        let begun = match event.what {
            What::Call(function) => Some((function, trace.function(function).to_owned())),
            What::Inline(function) => Some((function, inlined(trace.function(function)))),
            _ => None,
        };
        if let Some((function, told)) = begun {
            let count = under_way.functions().len();
            let is_of = choice.is_of(trace.thread(under_way.current()));
            if is_of && choice.shows(trace.function(function), count) {
                text.push_str(&told);
                text.push('\n');
            }
        }
        under_way.go_on(event, |_| ());
    }
    text
}

/// The name of a function, with where in its source it is if that is known.
fn with_place(trace: &Trace, function: u32, name: String) -> String {
    match trace.place(function) {
        "" => name,
        place => format!("{name}  {place}"),
    }
}

fn line(text: &mut String, instructions: Option<u64>, depth: usize, what: &str) {
    let instructions = instructions.map(|count| count.to_string()).unwrap_or_default();
    let indent = 2 * depth;
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{instructions:>8}  {:indent$}{what}", "");
}

/// For each event with which a function begins or goes on, the instructions until it ends, as long as its stack is in use.
pub(super) fn totals(trace: &Trace) -> Vec<u64> {
    let mut totals = vec![0; trace.events.len()];
    // Of each function its event, and the instructions on its stack before it.
    let mut under_way: UnderWay<(usize, u64)> = UnderWay::default();
    let mut on_stack: BTreeMap<u32, u64> = BTreeMap::new();
    let mut since = 0;
    for (place, event) in trace.events.iter().enumerate() {
        let passed = on_stack.entry(under_way.current()).or_default();
        *passed += event.at.saturating_sub(since);
        since = event.at;
        let passed = *passed;
        if let Some((began, before)) = under_way.go_on(event, |_| (place, passed)) {
            totals[began] = passed - before;
        }
    }
    *on_stack.entry(under_way.current()).or_default() += trace.instructions.saturating_sub(since);
    for (stack, functions) in under_way.into_stacks() {
        let passed = on_stack.get(&stack).copied().unwrap_or_default();
        for (began, before) in functions {
            totals[began] = passed - before;
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::super::{Change, TraceEvent, WayIn};
    use super::*;
    use crate::printable::Printable;

    fn trace() -> Trace {
        let events = [
            (0, What::Stack(0)),
            (0, What::Enter(WayIn::SystemCall(57))),
            (0, What::Call(0)),
            (3, What::Call(1)),
            (5, What::Change(0)),
            (6, What::Stack(1)),
            (6, What::Resume(1)),
            (9, What::Return),
            (9, What::Leave),
        ];
        Trace {
            functions: ["handle", "fork"].map(Printable::from).to_vec(),
            events: events.map(|(at, what)| TraceEvent { at, what }).to_vec(),
            changes: vec![Change::Root { of: "child".into() }],
            threads: ["parent", "child"].map(Printable::from).to_vec(),
            instructions: 9,
            ..Trace::default()
        }
    }

    #[test]
    fn functions_stand_below_those_that_called_them() {
        let expected = "          -- parent --\n          > system call 57\n       6  handle\n       3    fork\n\
                        \x20             * CR3: the page table of child\n          -- child --\n       3  ... fork\n          < back to user mode\n";
        assert_eq!(lines(&trace(), &Selection::default()), expected);
    }

    #[test]
    fn what_is_not_wanted_is_left_out() {
        let of_child = Selection {
            of: Some("child".to_owned()),
            ..Selection::default()
        };
        assert_eq!(
            lines(&trace(), &of_child),
            "          -- child --\n       3  ... fork\n          < back to user mode\n"
        );
        let shallow = Selection {
            depth: Some(1),
            ..Selection::default()
        };
        assert_eq!(
            lines(&trace(), &shallow).matches("fork").count(),
            1,
            "the one that goes on"
        );
        let only = Selection {
            only: vec!["for".to_owned()],
            ..Selection::default()
        };
        let told = lines(&trace(), &only);
        assert!(
            !told.contains("handle") && told.contains("\n       3  fork\n"),
            "{told}"
        );
    }
}
