//! Gradescope's `results.json`: <https://gradescope-autograders.readthedocs.io/en/latest/specs/>.
//!
//! It is about one submission, has no times, which differ from run to run, and says nothing for a leaderboard. A scenario that could not be
//! judged has neither points nor a status, so that it counts for nothing, and the output says that a person must decide.

use std::io;

use serde::Serialize;

use super::Verdict;
use super::text::{Colour, Detail, count, render as text};
use super::told::{Case, Group, Told};
use crate::grade::{Points, Visibility};

/// The document.
#[derive(Serialize)]
struct Results {
    score: Points,
    output: String,
    output_format: &'static str,
    visibility: &'static str,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    name: String,
    number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<Points>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_score: Option<Points>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    output: String,
    output_format: &'static str,
    tags: Vec<String>,
    visibility: &'static str,
}

pub(super) fn render(told: &Told) -> io::Result<String> {
    let groups: Vec<Group<'_>> = told.groups().collect();
    let [group] = groups[..] else {
        let found = groups.len();
        let message = format!("a report for Gradescope is about one submission, and there are {found}");
        return Err(io::Error::other(message));
    };
    let tests: Vec<Test> = (1..)
        .zip(group.cases())
        .map(|(number, case)| test(number, &case))
        .collect();
    let undecided = tests.iter().filter(|test| test.status.is_none()).count();
    let mut output = Vec::new();
    output.extend(
        group
            .not_built()
            .map(|why| format!("not built:\n{}", why.as_str())),
    );
    output.extend(group.judged().iter().map(|judged| format!("judged {judged}")));
    if undecided > 0 {
        let scenarios = count(undecided, "scenario");
        output.push(format!("{scenarios} could not be judged: a person must decide"));
    }
    if told.interrupted {
        output.push("interrupted before everything was done".to_owned());
    }
    let results = Results {
        score: group.points().0,
        output: output.join("\n"),
        output_format: "text",
        visibility: "visible",
        tests,
    };
    Ok(crate::printable::json(&serde_json::to_string_pretty(&results)?) + "\n")
}

fn test(number: usize, case: &Case<'_>) -> Test {
    let status = match case.outcome.verdict() {
        Verdict::Pass => Some("passed"),
        Verdict::Fail => Some("failed"),
        Verdict::Broken => None,
    };
    let clauses = case.report.iter().flat_map(|report| &report.clauses);
    let ids = clauses.map(|line| line.clause.id.to_string());
    Test {
        name: case.scenario.to_string(),
        number: number.to_string(),
        score: status.map(|_| case.points()),
        max_score: status.map(|_| case.most_points()),
        status,
        output: output(case),
        output_format: "text",
        tags: ids.collect(),
        visibility: match case.visibility() {
            Visibility::Visible => "visible",
            Visibility::Hidden => "hidden",
            Visibility::AfterDueDate => "after_due_date",
            Visibility::AfterPublished => "after_published",
        },
    }
}

fn output(case: &Case<'_>) -> String {
    let why = case
        .grade
        .map(|grade| grade.why.as_str())
        .filter(|why| !why.is_empty());
    let report = case
        .report
        .map(|report| text(report, Colour::Plain, Detail::Verdict));
    let parts = why.map(str::to_owned).into_iter().chain(report);
    parts.collect::<Vec<_>>().join("\n\n")
}
