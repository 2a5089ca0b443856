//! A course: a table of all submissions and scenarios, in which each cell leads to the submission's page.

use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{class, document};
use crate::grade::{Build, Grade, ScenarioGrade};
use crate::printable::Printable;
use crate::report::Verdict;
use crate::report::text::count;

/// Folder of the submissions' pages, beside that of the course.
const FOLDER: &str = "submissions";
/// What means something else in a link's path than itself.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Where the page of a submission is, relative to that of its course.
#[must_use]
pub fn submission_page(submission: &Printable) -> String {
    format!("{FOLDER}/{submission}.html")
}

/// The page of a course. Each of its submissions has a page, at [`submission_page`].
#[must_use]
pub fn course_page(title: &str, grades: &[Grade]) -> String {
    let title = Printable::name(title);
    let undecided: usize = grades.iter().map(|grade| grade.undecided().count()).sum();
    let body = html! {
        header {
            h1 { (title) }
            p.overview {
                (count(grades.len(), "submission"))
                @if undecided > 0 {
                    "; " (count(undecided, "scenario")) " could not be judged, and a person must decide"
                }
            }
        }
        main #results {
            p.legend {
                @for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Broken] {
                    span { span.badge.(class(verdict)) { (sign(verdict)) } " " (meaning(verdict)) }
                }
                span { "The number is that of the points." }
            }
            @if !grades.is_empty() { (table(grades)) }
        }
    };
    document(&title, &body).into_string()
}

fn table(grades: &[Grade]) -> Markup {
    // All are graded by the same rubric.
    let scenarios = grades.first().map_or(&[][..], |grade| &grade.scenarios);
    html! {
        div.scroll tabindex="0" role="region" aria-label="All grades" {
            table.cases {
                caption { "All grades" }
                thead {
                    tr {
                        th scope="col" { "Submission" }
                        th scope="col" { "Points" }
                        @for scenario in scenarios {
                            th scope="col" { (scenario.scenario) }
                        }
                    }
                }
                tbody {
                    @for grade in grades { (row(grade)) }
                }
            }
        }
    }
}

fn row(grade: &Grade) -> Markup {
    let page = format!(
        "{FOLDER}/{}.html",
        utf8_percent_encode(grade.submission.as_str(), ENCODED)
    );
    html! {
        tr {
            th scope="row" { a href=(page) { (grade.submission) } @if grade.build != Build::Done { " (not built)" } }
            td data-sort=(grade.points.as_f64()) { (grade.points) " of " (grade.most_points) }
            @for (number, scenario) in grade.scenarios.iter().enumerate() {
                td data-sort=(scenario.points.as_f64()) { (cell(&page, number, scenario)) }
            }
        }
    }
}

fn cell(page: &str, number: usize, scenario: &ScenarioGrade) -> Markup {
    let verdict = scenario.outcome.verdict();
    let (points, most_points) = (scenario.points, scenario.most_points);
    let name = format!(
        "{}: {}, {points} of {most_points} points",
        scenario.scenario, scenario.outcome
    );
    html! {
        a.badge.(class(verdict)) href={ (page) "#r" (number) } title=(name) aria-label=(name) {
            (sign(verdict)) " " (points)
        }
    }
}

/// What tells verdicts apart where there are no colours.
fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Fail => "✗",
        Verdict::Broken => "?",
    }
}

fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "passed",
        Verdict::Fail => "did not pass",
        Verdict::Broken => "could not be judged",
    }
}
