//! What grades are told as: text, a paragraph for each submission.

use std::io;

use vmm::grade::{Build, Grade, Rubric, ScenarioGrade};
use vmm::journal::{Entry, Reader};
use vmm::report::Outcome;
use vmm::report::text::count;

use super::print;

/// Most lines of what a compiler says that are told here; the file with the grades has more.
const MAX_LINES: usize = 12;

/// Tells grades as text.
pub(super) struct GradeText {
    title: String,
    /// Widest name of a scenario.
    width: usize,
    graded: usize,
    undecided: usize,
}

impl GradeText {
    pub(super) fn new(rubric: &Rubric) -> GradeText {
        let widths = rubric
            .items
            .iter()
            .map(|item| item.scenario.name.to_string().len());
        GradeText {
            title: rubric.title.clone(),
            width: widths.max().unwrap_or_default(),
            graded: 0,
            undecided: 0,
        }
    }

    fn scenario(&self, scenario: &ScenarioGrade) -> String {
        let ScenarioGrade {
            scenario: name,
            outcome,
            points,
            most_points,
            why,
            ..
        } = scenario;
        let width = self.width;
        let (points, most_points) = (points.to_string(), most_points.to_string());
        let name = name.to_string();
        let mut line = format!("  {points:>6} / {most_points:<6} {name:width$}  {outcome}");
        if !matches!(outcome, Outcome::Passed | Outcome::DoesNotBuild) {
            line += &format!("\n                    {}", why.below("                    "));
        }
        line
    }
}

impl Reader for GradeText {
    fn read(&mut self, entry: Entry<'_>) -> io::Result<()> {
        match entry {
            Entry::Began { expected } => {
                print(&format!("{}: {}\n", self.title, count(expected, "submission")))
            }
            Entry::SubmissionBegan { submission } => print(&format!("\n{submission}")),
            Entry::Built { build, .. } => match build {
                Build::Done => Ok(()),
                Build::Failed { why } | Build::Broken { why } => {
                    let lines: Vec<&str> = why.as_str().lines().take(MAX_LINES).collect();
                    print(&format!("  {}", lines.join("\n  ")))
                }
            },
            Entry::ScenarioGraded { scenario, .. } => print(&self.scenario(scenario)),
            Entry::SubmissionEnded { grade } => {
                self.graded += 1;
                let undecided = grade.undecided().count();
                self.undecided += undecided;
                print(&ended(grade, undecided))
            }
            Entry::Ended { interrupted } => {
                if interrupted {
                    eprintln!("interrupted: `--resume` with the same `--out` goes on");
                }
                let mut text = format!("\n{} graded", count(self.graded, "submission"));
                if self.undecided > 0 {
                    let undecided = count(self.undecided, "scenario");
                    text += &format!("; {undecided} could not be judged, and a person must decide");
                }
                print(&text)
            }
            Entry::RunBegan { .. }
            | Entry::StepDone { .. }
            | Entry::Found { .. }
            | Entry::RunEnded { .. } => Ok(()),
        }
    }
}

fn ended(grade: &Grade, undecided: usize) -> String {
    let mut text = format!(
        "  {:>6} / {:<6} in total",
        grade.points.to_string(),
        grade.most_points.to_string()
    );
    if undecided > 0 {
        text += &format!("; {} without a verdict", count(undecided, "scenario"));
    }
    text
}
