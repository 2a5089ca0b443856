//! Adds up where the instructions of a kernel went.

use std::collections::BTreeMap;

use super::under_way::UnderWay;
use super::{Trace, What};
use crate::printable::Printable;

/// Where instructions went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Instructions by the functions that were under way, the outermost first.
    stacks: BTreeMap<Vec<ActiveFunction<Printable>>, u64>,
    /// How often each function was called.
    calls: BTreeMap<Printable, u64>,
}

/// A function under way. `F` is what it is named by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ActiveFunction<F> {
    function: F,
    /// Whether the compiler has put it into the one before.
    is_inlined: bool,
}

/// One function of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionCost {
    /// Its name.
    pub name: Printable,
    /// How often it was called.
    pub calls: u64,
    /// Instructions of its own.
    pub own: u64,
    /// Instructions of its own and of all functions that it called.
    pub total: u64,
}

impl Profile {
    /// Adds what happened in a stretch.
    pub fn add(&mut self, trace: &Trace) {
        let mut under_way = UnderWay::default();
        let mut since = 0;
        let mut costs: BTreeMap<Vec<ActiveFunction<u32>>, u64> = BTreeMap::new();
        let mut calls: BTreeMap<u32, u64> = BTreeMap::new();
        for event in &trace.events {
            if event.at > since {
                *costs.entry(under_way.functions().to_vec()).or_default() += event.at - since;
            }
            since = event.at;
            if let What::Call(function) = event.what {
                *calls.entry(function).or_default() += 1;
            }
            under_way.go_on(event, |function| ActiveFunction {
                function,
                is_inlined: matches!(event.what, What::Inline(_)),
            });
        }
        if !trace.is_cut {
            *costs.entry(under_way.functions().to_vec()).or_default() += trace.instructions - since;
        }
        let name = |function: &u32| Printable::from(trace.function(*function));
        for (stack, cost) in costs {
            let stack = stack.iter().map(|frame| ActiveFunction {
                function: name(&frame.function),
                is_inlined: frame.is_inlined,
            });
            *self.stacks.entry(stack.collect()).or_default() += cost;
        }
        for (function, count) in calls {
            *self.calls.entry(name(&function)).or_default() += count;
        }
    }

    /// All instructions.
    #[must_use]
    pub fn instructions(&self) -> u64 {
        self.stacks.values().sum()
    }

    /// Every function, the one with the most instructions of its own first.
    #[must_use]
    pub fn functions(&self) -> Vec<FunctionCost> {
        let mut costs: BTreeMap<&Printable, (u64, u64)> = BTreeMap::new();
        for (stack, cost) in &self.stacks {
            if let Some(last) = stack.last() {
                costs.entry(&last.function).or_default().0 += cost;
            }
            for (depth, ActiveFunction { function, .. }) in stack.iter().enumerate() {
                // A function that calls itself is under way once.
                if !stack[..depth].iter().any(|outer| outer.function == *function) {
                    costs.entry(function).or_default().1 += cost;
                }
            }
        }
        let mut functions: Vec<FunctionCost> = costs
            .into_iter()
            .map(|(name, (own, total))| FunctionCost {
                name: name.clone(),
                calls: self.calls.get(name).copied().unwrap_or_default(),
                own,
                total,
            })
            .collect();
        functions.sort_by(|one, other| other.own.cmp(&one.own).then_with(|| one.name.cmp(&other.name)));
        functions
    }

    /// The form that flame graphs are drawn from: a line for each stack, its functions separated by semicolons, and the instructions in the
    /// innermost one. Inlined functions end with `_[i]`. See <https://github.com/brendangregg/FlameGraph>.
    #[must_use]
    pub fn folded(&self) -> String {
        let name = |frame: &ActiveFunction<Printable>| {
            let name = frame.function.as_str().replace(';', ",");
            name + if frame.is_inlined { "_[i]" } else { "" }
        };
        let line = |(stack, cost): (&Vec<ActiveFunction<Printable>>, &u64)| {
            let names: Vec<String> = stack.iter().map(name).collect();
            format!("{} {cost}\n", names.join(";"))
        };
        let stacks = self
            .stacks
            .iter()
            .filter(|(stack, cost)| !stack.is_empty() && **cost > 0);
        stacks.map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::TraceEvent;
    use super::*;

    fn trace(events: &[(u64, What)], instructions: u64) -> Trace {
        Trace {
            functions: ["entry", "fork", "copy"].map(Printable::from).to_vec(),
            events: events
                .iter()
                .map(|(at, what)| TraceEvent { at: *at, what: *what })
                .collect(),
            instructions,
            ..Trace::default()
        }
    }

    #[test]
    fn instructions_are_those_of_the_function_that_runs_and_of_all_that_called_it() {
        let mut profile = Profile::default();
        let calls = [
            (0, What::Call(0)),
            (3, What::Call(1)),
            (5, What::Call(2)),
            (9, What::Return),
        ];
        profile.add(&trace(&calls, 12));
        assert_eq!(profile.instructions(), 12);
        assert_eq!(profile.folded(), "entry 3\nentry;fork 5\nentry;fork;copy 4\n");
        let functions = profile.functions();
        let told: Vec<_> = functions
            .iter()
            .map(|f| (f.name.as_str(), f.calls, f.own, f.total))
            .collect();
        assert_eq!(told, [("fork", 1, 5, 9), ("copy", 1, 4, 4), ("entry", 1, 3, 12)]);
    }

    #[test]
    fn each_kernel_stack_keeps_its_functions() {
        let mut profile = Profile::default();
        let calls = [
            (0, What::Call(0)),
            (2, What::Stack(1)),
            (2, What::Call(1)),
            (6, What::Stack(0)),
            (7, What::Call(2)),
        ];
        profile.add(&trace(&calls, 8));
        profile.add(&trace(&[(0, What::Resume(0)), (0, What::Resume(2))], 2));
        assert_eq!(profile.folded(), "entry 3\nentry;copy 3\nfork 4\n");
        assert_eq!(profile.functions()[1].calls, 1, "what goes on is not called");
    }

    #[test]
    fn a_function_that_calls_itself_counts_once() {
        let mut profile = Profile::default();
        profile.add(&trace(&[(0, What::Call(0)), (1, What::Call(0))], 5));
        let functions = profile.functions();
        assert_eq!(
            (functions[0].own, functions[0].total, functions[0].calls),
            (5, 5, 2)
        );
    }

    #[test]
    fn an_inlined_function_has_its_instructions_and_is_not_called() {
        let mut profile = Profile::default();
        let calls = [
            (0, What::Call(0)),
            (1, What::Inline(1)),
            (4, What::Return),
            (5, What::Return),
        ];
        profile.add(&trace(&calls, 5));
        assert_eq!(profile.folded(), "entry 2\nentry;fork_[i] 3\n");
        let functions = profile.functions();
        assert_eq!(
            (functions[0].name.as_str(), functions[0].own, functions[0].calls),
            ("fork", 3, 0)
        );
    }
}
