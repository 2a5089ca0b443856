//! JUnit XML, as engines of continuous integration read it: a suite a scenario, a case a step.
//!
//! What could not be told, and what was not run, is an error and never a skip: a skip counts as passed.

use std::io;

use quick_junit::{NonSuccessKind, Property, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::told::{Case, Group, Told};
use super::{Line, Report, Verdict};
use crate::finding::Finding;

/// The name of the whole.
const NAME: &str = "ringside";

pub(super) fn render(told: &Told) -> io::Result<String> {
    let mut document = Document::new(NAME);
    for group in told.groups() {
        document.add_test_suites(group.cases().map(|case| suite(group, &case)));
    }
    if told.interrupted {
        let mut suite = TestSuite::new("the call");
        suite.add_test_case(broken("everything is done", "the call was interrupted"));
        document.add_test_suite(suite);
    }
    let text = document.to_string().map_err(io::Error::other)?;
    // The schema of Jenkins has no such attribute for the whole, and nothing is ever skipped.
    Ok(text.replacen(" skipped=\"0\"", "", 1))
}

fn suite(group: Group<'_>, case: &Case<'_>) -> TestSuite {
    let name = match group.submission() {
        Some(submission) => format!("{submission}/{}", case.scenario),
        None => case.scenario.to_string(),
    };
    let mut suite = TestSuite::new(name.as_str());
    if let Some(grade) = case.grade {
        suite.add_property(Property::new("points", grade.points.to_string()));
        suite.add_property(Property::new("most-points", grade.most_points.to_string()));
    }
    if let Some(judged) = case.report.and_then(|report| report.judged.as_ref()) {
        for (name, value) in judged.facts() {
            suite.add_property(Property::new(name, value));
        }
    }
    let Some(report) = case.report else {
        let name = "it is run";
        suite.add_test_case(match case.outcome.verdict() {
            Verdict::Pass => TestCase::new(name, TestCaseStatus::success()),
            Verdict::Fail => non_success(name, NonSuccessKind::Failure, &case.why()),
            Verdict::Broken => broken(name, &case.why()),
        });
        return suite;
    };
    for line in &report.lines {
        let mut step = step(report, line);
        step.set_classname(name.as_str());
        suite.add_test_case(step);
    }
    if report.steps_not_run > 0 {
        let further = super::text::count(report.steps_not_run, "further step");
        suite.add_test_case(broken(&further, "not run: the run had ended"));
    }
    suite
}

fn step(report: &Report, line: &Line) -> TestCase {
    let name = match line.step {
        Some(number) => format!("{number} {}", line.what),
        None => line.what.to_string(),
    };
    let findings: Vec<&Finding> = line.all_findings().collect();
    let kind = match report.verdict_of(findings.iter().copied()) {
        Verdict::Pass => return TestCase::new(name, TestCaseStatus::success()),
        Verdict::Fail => NonSuccessKind::Failure,
        Verdict::Broken => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    let told: Vec<String> = findings.iter().map(|finding| described(finding)).collect();
    status.set_message(findings[0].on_one_line());
    status.set_type(findings[0].rule.to_string());
    status.set_description(told.join("\n\n"));
    TestCase::new(name, status)
}

fn described(finding: &Finding) -> String {
    let margin = "          ";
    let mut text = format!(
        "{}\nrule      {}\nexpected  {}\nfound     {}",
        finding.place,
        finding.rule,
        finding.expected.below(margin),
        finding.found.below(margin),
    );
    for clause in &finding.clauses {
        text.push_str(&format!("\nclause    {clause}"));
    }
    text
}

fn broken(name: &str, message: &str) -> TestCase {
    non_success(name, NonSuccessKind::Error, message)
}

fn non_success(name: &str, kind: NonSuccessKind, message: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message);
    TestCase::new(name, status)
}
