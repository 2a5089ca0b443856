//! Forks where schedules differ.
//!
//! A run stops where the kernel is about to ask who goes on. For each other thread that could, the process forks: the forked one, a
//! *branch*, goes on with that choice, forks at later points for itself, and answers through a pipe what it and its branches have found.
//! The process waits for it, and then goes on itself. So each stretch between two points is run once, and there are never more
//! processes than points.
//!
//! All schedules come up whose length is within the limit but for those that are larger than one that is known to break a rule. The limit is 0
//! at first: for a guest that is wrong in any schedule one run is enough. Where a scenario wants a rule broken, the limit grows step by
//! step, so that a short schedule is found without all the long ones.

use std::cell::RefCell;
use std::io::PipeWriter;
use std::rc::Rc;
use std::time::Instant;

use kvm_ioctls::Kvm;
use serde::{Deserialize, Serialize};

use super::super::boot::Setting;
use super::super::fork::{self, Side, fork_and_wait};
use super::super::once::{Trial, once};
use super::{MAX_RUNS, Tried};
use crate::channel::event::Choice;
use crate::report::Verdict;
use crate::rule::Rule;
use crate::vm::{self, Vm, VmError};

/// Tries the schedules that differ at the first `bound` points. Forks: nothing else may go on in the process.
pub(super) fn try_schedules(
    setting: Setting<'_>,
    bound: usize,
    finds: Option<Rule>,
) -> Result<Tried, VmError> {
    let mut limit = 0;
    loop {
        let (first, found) = search(setting, limit)?;
        if first.decisions.is_empty() {
            return Ok(Tried::NothingToDecide(first.report));
        }
        if let Some((plan, trial)) = found.broken {
            let is_not_larger = |other: &&Vec<usize>| !is_smaller(&plan, other);
            return Ok(Tried::Breaks {
                schedules: found.plans.iter().filter(is_not_larger).count(),
                plan,
                trial,
            });
        }
        let deepest = found.plans.iter().map(Vec::len).max();
        if limit == bound || found.is_cut_off || deepest < Some(limit) {
            return Ok(Tried::AllPass {
                first: first.report,
                schedules: found.plans.len(),
                is_complete: !found.is_cut_off,
            });
        }
        limit = if finds.is_some() { limit + 1 } else { bound };
    }
}

/// What a process and its branches have found.
#[derive(Default, Serialize, Deserialize)]
struct Found {
    /// The schedules that were tried.
    plans: Vec<Vec<usize>>,
    /// The smallest that breaks a rule, and its run.
    broken: Option<(Vec<usize>, Trial)>,
    /// Whether some were left out because there are too many.
    is_cut_off: bool,
}

/// The search, as one process has it.
struct Search {
    /// Longest schedule.
    limit: usize,
    /// The schedule of this process's own run.
    plan: Vec<usize>,
    found: Found,
    /// The smallest schedule that is known to break a rule, whoever found it.
    smallest: Option<Vec<usize>>,
    /// Schedules that other processes have tried.
    tried_elsewhere: usize,
    /// Of a branch: where it answers.
    answer: Option<PipeWriter>,
}

/// Tries the schedules up to a length. Gives the run of the empty one beside what was found.
fn search(setting: Setting<'_>, limit: usize) -> Result<(Trial, Found), VmError> {
    let search = Rc::new(RefCell::new(Search {
        limit,
        plan: Vec::new(),
        found: Found::default(),
        smallest: None,
        tried_elsewhere: 0,
        answer: None,
    }));
    let kvm = vm::another(setting.kvm)?;
    let shared = Rc::clone(&search);
    let at_choice = move |vm: &mut Vm, choice: &Choice| branch(&mut shared.borrow_mut(), &kvm, vm, choice);
    let trial = once(setting, &[], Some(Box::new(at_choice)));
    let mut search = search.borrow_mut();
    if let Some(answer) = search.answer.take() {
        end_branch(&mut search, trial, answer);
    }
    let trial = trial?;
    search.note(&trial);
    Ok((trial, std::mem::take(&mut search.found)))
}

/// Has every other choice tried that there is, each by a branch, before this process goes on with the first. A branch comes back
/// from here too.
fn branch(search: &mut Search, kvm: &Kvm, vm: &mut Vm, choice: &Choice) -> Result<(), VmError> {
    let schedule = &vm.devices().schedule;
    let before: Vec<usize> = schedule
        .decisions()
        .iter()
        .map(|decision| decision.chosen)
        .collect();
    // Of very many decisions not all are kept.
    if before.len() != schedule.asked() || before.len() >= search.limit {
        return Ok(());
    }
    let mut fork_point = None;
    for other in 1..choice.candidates.len() {
        let plan: Vec<usize> = before.iter().copied().chain([other]).collect();
        if !search.wants(&plan) {
            continue;
        }
        let point = match fork_point {
            Some(point) => point,
            None => vm.branch(kvm)?,
        };
        let started = Instant::now();
        match fork_and_wait()? {
            Side::Branch(answer) => {
                search.begin(plan.clone(), answer);
                vm.devices().schedule.go_on_with(plan);
                return vm.go_on(kvm, &point);
            }
            Side::Trunk(found) => search.add(found),
        }
        vm.has_waited(started.elapsed());
        fork_point = Some(point);
    }
    Ok(())
}

impl Search {
    /// Whether a schedule is to be tried.
    fn wants(&mut self, plan: &[usize]) -> bool {
        if self
            .smallest
            .as_ref()
            .is_some_and(|known| !is_smaller(plan, known))
        {
            return false;
        }
        // This process's own counts, too.
        let has_room = self.tried_elsewhere + self.found.plans.len() + 1 < MAX_RUNS;
        self.found.is_cut_off |= !has_room;
        has_room
    }

    /// From now on this is the search of a branch that has found nothing yet.
    fn begin(&mut self, plan: Vec<usize>, answer: PipeWriter) {
        self.tried_elsewhere += self.found.plans.len() + 1;
        self.found = Found::default();
        self.plan = plan;
        self.answer = Some(answer);
    }

    fn add(&mut self, found: Found) {
        self.found.plans.extend(found.plans);
        self.found.is_cut_off |= found.is_cut_off;
        if let Some((plan, trial)) = found.broken {
            self.break_by(plan, trial);
        }
    }

    /// Takes note of this process's own run.
    fn note(&mut self, trial: &Trial) {
        let plan = self.plan.clone();
        self.found.plans.push(plan.clone());
        if trial.report.verdict != Verdict::Pass {
            self.break_by(plan, trial.clone());
        }
    }

    fn break_by(&mut self, plan: Vec<usize>, trial: Trial) {
        if self
            .smallest
            .as_ref()
            .is_none_or(|known| is_smaller(&plan, known))
        {
            self.smallest = Some(plan.clone());
            self.found.broken = Some((plan, trial));
        }
    }
}

fn is_smaller(plan: &[usize], other: &[usize]) -> bool {
    (plan.len(), plan) < (other.len(), other)
}

/// The end of a branch: it answers, and is gone.
fn end_branch(search: &mut Search, trial: Result<Trial, VmError>, to: PipeWriter) -> ! {
    let told = trial.map(|trial| {
        search.note(&trial);
        &search.found
    });
    fork::answer(told, to)
}
