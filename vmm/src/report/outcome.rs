//! What became of a run in one word: the words of a grade.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Report, Verdict};
use crate::rule::Blame;
use crate::vm::{Cause, StopReason};

/// How a guest ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GuestEnd {
    /// In order.
    PoweredOff,
    /// The kernel panicked, or the processor could not go on with it.
    Panicked,
    /// It had used up its budget of exits or of processor time.
    BudgetUsedUp,
    /// The host was too slow for it, and stopped it.
    HostTooSlow,
    /// Somebody who debugged it ended it.
    EndedByDebugger,
    /// The walls around its worker process ended it.
    Killed,
    /// Its worker process was lost otherwise.
    Lost,
}

/// What became of a scenario, with one word for each cause that somebody would act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything was as it should be.
    Passed,
    /// The guest did something wrong, and went on.
    FailedChecks,
    /// The guest used up its budget of exits or of processor time.
    BudgetUsedUp,
    /// The kernel panicked, or the processor could not go on with it.
    Panicked,
    /// The guest never came to its first program.
    RefusesToBoot,
    /// The worker process was stopped by its own limits or by its system-call filter, which no honest guest comes to.
    Killed,
    /// There is no guest, because what was submitted does not compile.
    DoesNotBuild,
    /// The evidence that a check needs is not there.
    NotJudged,
    /// The harness or the host failed. Nobody else is to blame.
    HarnessBroke,
}

impl GuestEnd {
    /// How a machine ended that has stopped for this reason; None when it has not ended.
    pub(crate) fn of(reason: &StopReason) -> Option<GuestEnd> {
        match reason {
            StopReason::Ring(_) | StopReason::Reported(_) | StopReason::Choosing(_) => None,
            StopReason::PoweredOff => Some(GuestEnd::PoweredOff),
            StopReason::Died(death) => Some(match death.cause {
                Cause::Panic { .. }
                | Cause::TripleFault
                | Cause::Halted
                | Cause::InternalError { .. }
                | Cause::EntryFailed { .. }
                | Cause::UnexpectedExit { .. } => GuestEnd::Panicked,
                Cause::OutOfExits { .. } | Cause::OutOfProcessorTime { .. } | Cause::Idle { .. } => {
                    GuestEnd::BudgetUsedUp
                }
                Cause::HostTooSlow { .. } => GuestEnd::HostTooSlow,
                Cause::EndedByDebugger => GuestEnd::EndedByDebugger,
            }),
        }
    }
}

impl Outcome {
    /// The verdict that it is: a guest's failure, or something that could not be told.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Outcome::Passed => Verdict::Pass,
            Outcome::FailedChecks
            | Outcome::BudgetUsedUp
            | Outcome::Panicked
            | Outcome::RefusesToBoot
            | Outcome::Killed
            | Outcome::DoesNotBuild => Verdict::Fail,
            Outcome::NotJudged | Outcome::HarnessBroke => Verdict::Broken,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Outcome::Passed => "passed",
            Outcome::FailedChecks => "failed checks",
            Outcome::BudgetUsedUp => "used up its budget",
            Outcome::Panicked => "panicked",
            Outcome::RefusesToBoot => "refuses to boot",
            Outcome::Killed => "killed",
            Outcome::DoesNotBuild => "does not build",
            Outcome::NotJudged => "not judged",
            Outcome::HarnessBroke => "the harness broke",
        })
    }
}

impl Report {
    /// What became of the run.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let judge_is_wrong = self
            .findings()
            .any(|finding| finding.rule.blame() == Blame::Judge);
        match (self.verdict, self.end) {
            (Verdict::Pass, _) => Outcome::Passed,
            (_, Some(GuestEnd::Killed)) => Outcome::Killed,
            (Verdict::Broken, Some(GuestEnd::HostTooSlow | GuestEnd::Lost)) => Outcome::HarnessBroke,
            (Verdict::Broken, _) if judge_is_wrong || self.findings().next().is_none() => {
                Outcome::HarnessBroke
            }
            (Verdict::Broken, _) => Outcome::NotJudged,
            // A guest that comes to a program has a boot to tell of.
            (Verdict::Fail, _) if self.cost.boot_exits.is_none() => Outcome::RefusesToBoot,
            (Verdict::Fail, Some(GuestEnd::Panicked)) => Outcome::Panicked,
            (Verdict::Fail, Some(GuestEnd::BudgetUsedUp)) => Outcome::BudgetUsedUp,
            (
                Verdict::Fail,
                Some(
                    GuestEnd::PoweredOff | GuestEnd::HostTooSlow | GuestEnd::EndedByDebugger | GuestEnd::Lost,
                )
                | None,
            ) => Outcome::FailedChecks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::*;
    use crate::rule::Rule;

    fn outcome(rules: &[Rule], end: GuestEnd, booted: bool) -> Outcome {
        let mut report = report(rules, 0);
        report.judge();
        report.end = Some(end);
        report.cost.boot_exits = booted.then_some(1);
        report.outcome()
    }

    #[test]
    fn each_end_of_a_guest_has_a_word_of_its_own() {
        let (death, panicked) = (&[Rule::Death][..], GuestEnd::Panicked);
        assert_eq!(outcome(&[], GuestEnd::PoweredOff, true), Outcome::Passed);
        assert_eq!(
            outcome(&[Rule::Contents], GuestEnd::PoweredOff, true),
            Outcome::FailedChecks
        );
        assert_eq!(outcome(death, panicked, true), Outcome::Panicked);
        assert_eq!(outcome(death, panicked, false), Outcome::RefusesToBoot);
        assert_eq!(
            outcome(death, GuestEnd::BudgetUsedUp, true),
            Outcome::BudgetUsedUp
        );
    }

    #[test]
    fn what_could_not_be_told_is_the_evidences_lack_or_the_harnesss_fault() {
        let evidence = &[Rule::Evidence][..];
        assert_eq!(outcome(evidence, GuestEnd::PoweredOff, true), Outcome::NotJudged);
        assert_eq!(
            outcome(evidence, GuestEnd::HostTooSlow, true),
            Outcome::HarnessBroke
        );
        let walker = &[Rule::Walker][..];
        assert_eq!(outcome(walker, GuestEnd::PoweredOff, true), Outcome::HarnessBroke);
        let mut ended_early = report(&[], 3);
        ended_early.judge();
        assert_eq!(ended_early.outcome(), Outcome::HarnessBroke);
    }
}
