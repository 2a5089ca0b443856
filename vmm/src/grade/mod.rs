//! Grades: what a submission is worth by the verdicts of scenarios.
//!
//! **Invariant:** points come from verdicts alone. A scenario that the harness could not judge has no points to give and none to take:
//! its grade says so, and a person decides.

mod kept;
mod points;
mod rubric;
mod score;
mod starter;
mod submission;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use kept::{Grades, GradesError, Placed};
pub use points::{Points, PointsError};
pub use rubric::{Item, Kind, LeftOut, Limits, Partial, Rubric, RubricError, rubric_schema};
pub use score::{not_run, score, worse};
pub use starter::{StarterError, file_in_starter, write_starter};
pub use submission::{SubmissionError, Taken, name_of, take};

use crate::printable::Printable;
use crate::report::{Judged, Outcome, Report, Verdict};

/// Who may see a scenario's result, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    /// Everybody, at once.
    #[default]
    Visible,
    /// Nobody but staff.
    Hidden,
    /// Everybody, after the due date.
    AfterDueDate,
    /// Everybody, after the grades are published.
    AfterPublished,
}

/// When students look at their grades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// While they may still hand in.
    #[default]
    BeforeDueDate,
    /// When nobody hands in any more.
    AfterDueDate,
    /// When the grades are published.
    AfterPublished,
}

impl Visibility {
    /// Whether students may see it at that time.
    #[must_use]
    pub fn is_seen(self, moment: Moment) -> bool {
        match self {
            Visibility::Visible => true,
            Visibility::AfterDueDate => moment >= Moment::AfterDueDate,
            Visibility::AfterPublished => moment >= Moment::AfterPublished,
            Visibility::Hidden => false,
        }
    }
}

/// What came of building a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "build", rename_all = "kebab-case")]
pub enum Build {
    /// It can be booted.
    Done,
    /// It does not compile, or is not what the rubric asks for.
    Failed {
        /// Why, as the compiler says it.
        why: Printable,
    },
    /// The harness or the host could not build it.
    Broken {
        /// Why not.
        why: Printable,
    },
}

/// A scenario's part of a grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioGrade {
    /// The scenario's name.
    pub scenario: Printable,
    /// Who may see it.
    pub visibility: Visibility,
    /// What became of it.
    pub outcome: Outcome,
    /// Points that the submission gets.
    pub points: Points,
    /// Points that it could get.
    pub most_points: Points,
    /// Why it gets no more, in a sentence; empty when it gets all.
    pub why: Printable,
    /// The run, when there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub report: Option<Box<Report>>,
}

/// What a submission is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grade {
    /// The submission's name.
    pub submission: Printable,
    /// What came of building it.
    pub build: Build,
    /// Its scenarios, in the order of the rubric.
    pub scenarios: Vec<ScenarioGrade>,
    /// Points that it gets.
    pub points: Points,
    /// Points that it could get.
    pub most_points: Points,
}

impl Grade {
    /// The grade of a submission with these results.
    #[must_use]
    pub fn new(submission: Printable, build: Build, scenarios: Vec<ScenarioGrade>) -> Grade {
        Grade {
            submission,
            build,
            points: scenarios.iter().map(|scenario| scenario.points).sum(),
            most_points: scenarios.iter().map(|scenario| scenario.most_points).sum(),
            scenarios,
        }
    }

    /// What of it students may see at that time: the scenarios that they may, and the points of these. Where files are on the machine on which
    /// it was graded they do not see; how a run is made again is told of those that they can make with what they began with.
    #[must_use]
    pub fn as_students_see_it(&self, moment: Moment) -> Grade {
        let scenarios = self.scenarios.iter();
        let seen = scenarios.filter(|scenario| scenario.visibility.is_seen(moment));
        let (submission, build) = (self.submission.clone(), self.build.clone());
        let mut seen: Vec<ScenarioGrade> = seen.cloned().collect();
        for report in seen.iter_mut().filter_map(|scenario| scenario.report.as_mut()) {
            report.judged = report.judged.take().map(Judged::without_folders);
            // What the starter has is not drawn.
            let origin = report.origin.take().filter(|_| report.seed.is_none());
            report.origin = origin.and_then(starter::origin);
        }
        Grade::new(submission, build, seen)
    }

    /// The scenarios that could not be judged: their points are a person's to give.
    pub fn undecided(&self) -> impl Iterator<Item = &ScenarioGrade> {
        let scenarios = self.scenarios.iter();
        scenarios.filter(|scenario| scenario.outcome.verdict() == Verdict::Broken)
    }
}
