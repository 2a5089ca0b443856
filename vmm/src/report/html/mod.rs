//! HTML: one file that needs no network, to be read with and without JavaScript, in light and dark, on paper, and by ear.
//!
//! Everything in it is made here as static text and SVG. The script only chooses which step is shown; without it all are.
//!
//! - `run`: one run: its steps as a line of time, and each step
//! - `memory`: a step's memory as a picture, and as a table
//! - `trace`: what the kernel did in a step, when it was followed
//! - `course`: a course: a table of all submissions and scenarios

mod course;
mod memory;
mod run;
mod trace;

use std::io;

pub use course::{course_page, submission_page};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::told::{Case, Group, Told};
use super::{Judged, Outcome, Verdict};

/// Nothing is loaded, whatever a guest's text says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

pub(super) fn render(told: &Told) -> io::Result<String> {
    Ok(page(told).into_string())
}

fn page(told: &Told) -> Markup {
    let verdict = told.verdict();
    let groups: Vec<Group<'_>> = told.groups().collect();
    let cases: Vec<(Group<'_>, Case<'_>)> = groups
        .iter()
        .flat_map(|group| group.cases().map(|case| (*group, case)))
        .collect();
    let title = match (&groups[..], &cases[..]) {
        ([Group::Submission(grade)], _) => grade.submission.to_string(),
        ([Group::Runs(_)], [(_, case)]) => case.scenario.to_string(),
        _ => "Ringside".to_owned(),
    };
    let body = html! {
        header {
            h1 { (title) " " (badge(verdict)) }
            @for group in &groups { (overview(*group)) }
            @if told.interrupted {
                p { strong { "Interrupted before everything was done." } }
            }
        }
        main #results {
            @if cases.len() > 1 { (table(&groups, &cases)) }
            @for (number, (group, case)) in cases.iter().enumerate() {
                (run::section(number, *group, case))
            }
        }
    };
    document(&format!("{}: {title}", verdict.word()), &body)
}

/// A whole page. What its results begin with has the identifier `results`.
fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#results" { "Skip to the results" }
                (body)
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// Counts and points of a group.
fn overview(group: Group<'_>) -> Markup {
    let (points, most_points) = group.points();
    html! {
        p.overview {
            @if let Some(submission) = group.submission() {
                strong { (submission) } ": " strong { (points) " of " (most_points) " points" } "; "
            }
            (group.number(Verdict::Pass)) " passed, " (group.number(Verdict::Fail)) " failed, "
            (group.number(Verdict::Broken)) " could not be judged"
        }
        @for judged in group.judged() { (what_was_judged(judged)) }
        @if let Some(why) = group.not_built() {
            p { "It was not built:" }
            pre { (why.as_str()) }
        }
    }
}

/// Everything that names it, for whoever wants to be sure.
fn what_was_judged(judged: &Judged) -> Markup {
    html! {
        details.judged {
            summary { "What was judged" }
            table {
                tbody {
                    @for (name, value) in judged.facts() { tr { th scope="row" { (name) } td { (value) } } }
                }
            }
        }
    }
}

/// All scenarios, each with a link to its run.
fn table(groups: &[Group<'_>], cases: &[(Group<'_>, Case<'_>)]) -> Markup {
    let is_graded = groups.iter().any(|group| group.submission().is_some());
    // One submission stands above the table.
    let are_several = is_graded && groups.len() > 1;
    html! {
        div.scroll {
            table.cases {
                caption { "All runs" }
                thead {
                    tr {
                        @if are_several { th scope="col" { "Submission" } }
                        th scope="col" { "Scenario" }
                        th scope="col" { "Outcome" }
                        @if is_graded { th scope="col" { "Points" } }
                        th scope="col" { "Why" }
                    }
                }
                tbody {
                    @for (number, (group, case)) in cases.iter().enumerate() {
                        tr {
                            @if are_several { td { @if let Some(name) = group.submission() { (name) } } }
                            th scope="row" { a href={ "#r" (number) } { (case.scenario) } }
                            td { (outcome(case.outcome)) }
                            @if is_graded {
                                td data-sort=(case.points().as_f64()) { (case.points()) " of " (case.most_points()) }
                            }
                            td { (case.why()) }
                        }
                    }
                }
            }
        }
    }
}

fn outcome(outcome: Outcome) -> Markup {
    html! { span.badge.(class(outcome.verdict())) { (outcome) } }
}

fn badge(verdict: Verdict) -> Markup {
    html! { span.badge.(class(verdict)) { (verdict.word()) } }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Broken => "broken",
    }
}
