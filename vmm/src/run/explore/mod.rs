//! Runs a scenario once for every schedule up to a bound, and looks whether one of them breaks a rule.
//!
//! A schedule is a list of choices, one for each reschedule point that the guest comes to; past its end the thread that runs
//! goes on. Each run tells which points there were, and each point at which another thread could have gone on, up to the bound, gives
//! a longer list. The guest does the same for the same choices, so nothing is tried twice and nothing is left out. Shorter lists are
//! smaller, and the smallest that breaks a rule is the one that is told.
//!
//! - [`anew`]: boots a guest for each schedule
//! - [`branches`]: forks where schedules differ, and runs only what follows

mod anew;
mod branches;

use super::boot::Setting;
use super::once::{Trial, once};
use crate::finding::Finding;
use crate::guest::Exploring;
use crate::promise::Promise;
use crate::report::{Explored, Line, Report, Verdict};
use crate::rule::Rule;
use crate::scenario::Exploration;
use crate::vm::VmError;

/// Most runs of one exploration.
const MAX_RUNS: usize = 20_000;

/// A list of choices; shorter ones are smaller.
type Plan = (usize, Vec<usize>);

/// What trying schedules has given.
enum Tried {
    /// The guest never asked who goes on.
    NothingToDecide(Report),
    /// None breaks a rule.
    AllPass {
        /// The run in which whoever runs goes on.
        first: Report,
        schedules: usize,
        is_complete: bool,
    },
    /// One breaks a rule, and of those the smallest is this.
    Breaks {
        plan: Vec<usize>,
        trial: Trial,
        /// How many are not larger.
        schedules: usize,
    },
}

/// Explores, and reports the run that breaks a rule, or the first one when none does.
///
/// # Errors
/// The host cannot run a guest.
pub(super) fn explore(setting: Setting<'_>, exploration: Exploration) -> Result<Report, VmError> {
    let bound = usize::try_from(exploration.points).unwrap_or(usize::MAX);
    let tried = match setting.guest.exploring {
        Exploring::Branching if setting.can_branch() => {
            branches::try_schedules(setting, bound, exploration.finds)?
        }
        Exploring::Branching | Exploring::Anew => anew::try_schedules(setting, bound)?,
    };
    let (first, schedules, is_complete) = match tried {
        Tried::NothingToDecide(mut report) => {
            let asked = Promise::Schedule.to_string();
            report.add_finding(Finding::missing("schedules", asked, "none came"));
            return Ok(report);
        }
        Tried::Breaks {
            plan,
            trial,
            schedules,
        } => return replay(setting, exploration, (plan, schedules), trial),
        Tried::AllPass {
            first,
            schedules,
            is_complete,
        } => (first, schedules, is_complete),
    };
    let mut report = first;
    report.explored = Some(Explored {
        schedules,
        points: exploration.points,
        is_complete,
        finds: exploration.finds,
        breaks: None,
    });
    if let Some(rule) = exploration.finds {
        let expected = format!("a schedule that breaks the rule: {rule}");
        report.add_finding(Finding::new(
            Rule::Expectation,
            "schedules",
            expected,
            "none does",
        ));
    }
    if !is_complete {
        let found = format!("more than {MAX_RUNS}");
        report.add_finding(Finding::missing("schedules", "few enough to try all", found));
    }
    Ok(report)
}

/// A schedule that breaks a rule is run again: only one that comes to the same end every time can be shown to anybody.
fn replay(
    setting: Setting<'_>,
    exploration: Exploration,
    (plan, schedules): (Vec<usize>, usize),
    trial: Trial,
) -> Result<Report, VmError> {
    let again = once(setting, &plan, None)?;
    let is_same = told(&again).eq(told(&trial)) && again.decisions == trial.decisions;
    let Trial {
        mut report,
        decisions,
    } = trial;
    let is_wanted = |rule: Rule| report.findings().any(|finding| finding.rule == rule);
    let found = exploration.finds.is_some_and(is_wanted);
    if report.verdict == Verdict::Fail && found {
        report.verdict = Verdict::Pass;
    }
    let decisions = decisions.into_iter().take(plan.len()).collect();
    report.explored = Some(Explored {
        schedules,
        points: exploration.points,
        is_complete: false,
        finds: exploration.finds,
        breaks: Some(decisions),
    });
    if !is_same {
        let expected = "the same end each time a schedule is run";
        report.add_finding(Finding::missing("schedules", expected, "another end"));
    }
    Ok(report)
}

/// The lines without what the guest claimed, which a branch does not pass on.
fn told(trial: &Trial) -> impl Iterator<Item = Line> {
    let lines = trial.report.lines.iter().cloned();
    lines.map(|line| Line {
        claims: Vec::new(),
        ..line
    })
}
