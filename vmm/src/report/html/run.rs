//! One run: what came of it, its steps as a line of time, and each step with its findings and its memory.

use maud::{Markup, html};

use super::super::text::{Colour, count, summary};
use super::super::told::{Case, Group};
use super::super::{ExpectationLine, Line, MemoryMap, Origin, Report, Verdict};
use super::memory::figure;
use super::{badge, class, outcome, trace};
use crate::finding::Finding;

/// A run's section. Its number is its place in the page, and part of every anchor in it.
pub(super) fn section(number: usize, group: Group<'_>, case: &Case<'_>) -> Markup {
    html! {
        section.run id={ "r" (number) } aria-labelledby={ "r" (number) "-name" } {
            h2 id={ "r" (number) "-name" } {
                @if let Some(submission) = group.submission() { (submission) ": " }
                (case.scenario) " " (outcome(case.outcome))
            }
            @if case.grade.is_some() {
                p { strong { (case.points()) " of " (case.most_points()) " points" } }
            }
            @match case.report {
                Some(report) => (body(number, report)),
                None => p { (case.why()) },
            }
        }
    }
}

fn body(run: usize, report: &Report) -> Markup {
    html! {
        p { (report.description) }
        p.summary { (summary(report, Colour::Plain).trim_end()) }
        @if let Some(seed) = report.seed { p { "Contents and places drawn by " code { "--vary " (seed) } } }
        (wrong(run, report))
        @if let Some(origin) = &report.origin {
            (again(origin))
        }
        div.stepper {
            nav aria-label={ "Steps of " (report.scenario) } {
                ol.timeline {
                    @for (index, line) in report.lines.iter().enumerate() { (mark(run, index, report, line)) }
                }
            }
            div.steps {
                @for (index, line) in report.lines.iter().enumerate() { (step(run, index, report, line)) }
                @if report.steps_not_run > 0 {
                    p.rest { (count(report.steps_not_run, "further step")) " not run." }
                }
            }
        }
        (rest(report))
    }
}

/// The command that makes the run again.
fn again(origin: &Origin) -> Markup {
    html! { p { (origin.how()) ": " code { (origin.command) } } }
}

/// A link to each step at which something is wrong, with the first thing that is.
fn wrong(run: usize, report: &Report) -> Markup {
    let lines = report.lines.iter().enumerate();
    let wrong = lines.filter_map(|(index, line)| {
        let first = line.all_findings().next()?;
        Some((index, line, first, line.all_findings().count() - 1))
    });
    let wrong: Vec<(usize, &Line, &Finding, usize)> = wrong.collect();
    html! {
        @if !wrong.is_empty() {
            h3 { @if report.verdict == Verdict::Pass { "What was found, as the scenario wants it" } @else { "What is wrong" } }
            ul.wrong {
                @for (index, line, first, more) in wrong {
                    li {
                        a href={ "#" (anchor(run, index)) } {
                            @if let Some(step) = line.step { "Step " (step) ", " }
                            (line.what)
                        }
                        ": " (first.place) ": " (first.rule.to_string())
                        @if more > 0 { " (and " (count(more, "further finding")) ")" }
                    }
                }
            }
        }
    }
}

/// A step's place on the line of time.
fn mark(run: usize, index: usize, report: &Report, line: &Line) -> Markup {
    let verdict = report.verdict_of(line.all_findings());
    html! {
        li {
            a.(class(verdict)) href={ "#" (anchor(run, index)) } {
                span.dot aria-hidden="true" { (sign(line, verdict)) }
                span.what { (line.what) @if verdict != Verdict::Pass { " (" (verdict.word()) ")" } }
            }
        }
    }
}

/// What stands in the dot: a step's number; what the harness does has none.
fn sign(line: &Line, verdict: Verdict) -> String {
    match (line.step, verdict) {
        (Some(step), _) => step.to_string(),
        (None, Verdict::Pass) => "·".to_owned(),
        (None, Verdict::Fail | Verdict::Broken) => "!".to_owned(),
    }
}

fn step(run: usize, index: usize, report: &Report, line: &Line) -> Markup {
    let anchor = anchor(run, index);
    html! {
        article id=(anchor) tabindex="-1" aria-labelledby={ (anchor) "-what" } {
            h3 id={ (anchor) "-what" } {
                @if let Some(step) = line.step { "Step " (step) ": " }
                (line.what) " " (badge(report.verdict_of(line.all_findings())))
            }
            @if !line.result.is_empty() && line.result != *"done" { p { "Result: " (line.result) } }
            @if !line.output.is_empty() { p { "Printed:" } pre { (line.output) } }
            @for finding in &line.findings { (show(finding)) }
            @if !line.expectations.is_empty() {
                ul.expectations { @for each in &line.expectations { (expectation(report, each)) } }
            }
            @if !line.clauses.is_empty() {
                p.clauses { "Shows " @for clause in &line.clauses { (clause.to_string()) ". " } }
            }
            @if let Some(origin) = report.origin.as_ref().filter(|_| line.all_findings().next().is_some()) {
                (again(origin))
            }
            @if let Some(memory) = line.memory.as_ref().filter(|memory| !memory.processes.is_empty()) {
                (figure(memory, before(report, index)))
            }
            @if let Some(trace) = &line.trace { (trace::tree(trace)) }
        }
    }
}

/// The memory after the last step before this one that was looked at.
fn before(report: &Report, index: usize) -> Option<&MemoryMap> {
    let earlier = report.lines[..index].iter().rev();
    earlier.filter_map(|line| line.memory.as_ref()).next()
}

fn expectation(report: &Report, line: &ExpectationLine) -> Markup {
    let verdict = report.verdict_of(line.findings.iter());
    html! {
        li.(class(verdict)) {
            span.tick aria-hidden="true" { @if verdict == Verdict::Pass { "✓" } @else { "✗" } }
            " " (line.what)
            @if verdict == Verdict::Pass {
                @if !line.found.is_empty() { " " span.found { "[" (line.found) "]" } }
            } @else {
                " " (badge(verdict))
            }
            @for finding in &line.findings { (show(finding)) }
        }
    }
}

/// A finding: what should be beside what is.
fn show(finding: &Finding) -> Markup {
    html! {
        div.finding role="group" aria-label={ "Finding at " (finding.place) } {
            p { strong { (finding.place) } ": " (finding.rule.to_string()) }
            div.pair {
                div { h4 { "Expected" } pre { (finding.expected.as_str()) } }
                div { h4 { "Found" } pre { (finding.found.as_str()) } }
            }
            @for clause in &finding.clauses { p.clauses { "Clause " (clause.to_string()) } }
        }
    }
}

/// What is told of the run as a whole.
fn rest(report: &Report) -> Markup {
    html! {
        @if !report.clauses.is_empty() {
            details open {
                summary { "Clauses" }
                ul { @for line in &report.clauses { li { (line.clause.to_string()) ": " (line.outcome.to_string()) } } }
            }
        }
        @if !report.not_judged.is_empty() {
            details {
                summary { "Not judged on this guest" }
                ul {
                    @for each in &report.not_judged {
                        li { (each.rule.to_string()) " (needs " (each.needs.to_string()) ")" }
                    }
                }
            }
        }
        @if !report.warehouses.is_empty() {
            details {
                summary { "What warehouses were asked for" }
                ul { @for line in &report.warehouses { li { (line.to_string()) } } }
            }
        }
        @if let Some(states) = &report.states {
            details { summary { "States of processes, for Mermaid" } pre { (states) } }
        }
    }
}

fn anchor(run: usize, index: usize) -> String {
    format!("r{run}-s{index}")
}
