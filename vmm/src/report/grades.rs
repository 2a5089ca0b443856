//! Grades as text: a paragraph for each submission.

use std::fmt::Write;

use super::Outcome;
use super::text::count;
use crate::grade::{Build, Grade, ScenarioGrade};
use crate::printable::Printable;

/// Most lines of what a compiler says that are told here; the file with the grades has more.
const MAX_LINES: usize = 12;
/// What stands before further lines of a scenario.
const BELOW: &str = "                    ";

/// A submission: its name, what was judged, why it could not be built if it could not, a line for each scenario, and its points.
pub(super) fn submission(grade: &Grade, judged: &[String]) -> String {
    let mut text = format!("\n{}\n", grade.submission);
    for judged in judged {
        let _ = writeln!(text, "  {judged}");
    }
    match &grade.build {
        Build::Done => {}
        Build::Failed { why } => not_built(&mut text, why),
        Build::Broken { why } => {
            text.push_str("  could not be built:\n");
            not_built(&mut text, why);
        }
    }
    let widths = grade
        .scenarios
        .iter()
        .map(|scenario| scenario.scenario.chars().count());
    let width = widths.max().unwrap_or_default();
    for each in &grade.scenarios {
        scenario(&mut text, each, width);
    }
    let (points, most_points) = (grade.points.to_string(), grade.most_points.to_string());
    let _ = write!(text, "  {points:>6} / {most_points:<6} in total");
    match grade.undecided().count() {
        0 => {}
        undecided => {
            let _ = write!(text, "; {} without a verdict", count(undecided, "scenario"));
        }
    }
    text.push('\n');
    text
}

/// What there is to say of all of them.
pub(super) fn total(graded: usize, undecided: usize) -> String {
    let mut text = format!("\n{} graded", count(graded, "submission"));
    if undecided > 0 {
        let undecided = count(undecided, "scenario");
        let _ = write!(
            text,
            "; {undecided} could not be judged, and a person must decide"
        );
    }
    text
}

/// The first lines of why there is nothing to run; of what a compiler says, those from its first error on.
fn not_built(text: &mut String, why: &Printable) {
    let lines = why.as_str().lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<&str> = lines.collect();
    let first_error = lines.iter().position(|line| line.starts_with("error"));
    let warnings = 1..first_error.unwrap_or(1).max(1);
    let told = lines
        .iter()
        .enumerate()
        .filter(|(number, _)| !warnings.contains(number));
    for (_, line) in told.take(MAX_LINES) {
        let _ = writeln!(text, "  {line}");
    }
}

fn scenario(text: &mut String, scenario: &ScenarioGrade, width: usize) {
    let (points, most_points) = (scenario.points.to_string(), scenario.most_points.to_string());
    let (name, outcome) = (scenario.scenario.as_str(), scenario.outcome);
    let _ = writeln!(text, "  {points:>6} / {most_points:<6} {name:width$}  {outcome}");
    let is_told = !scenario.why.is_empty() && !matches!(outcome, Outcome::Passed | Outcome::DoesNotBuild);
    if is_told {
        let _ = writeln!(text, "{BELOW}{}", scenario.why.below(BELOW));
    }
}
