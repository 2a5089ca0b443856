//! GitHub Actions: an annotation for each finding as it comes, and at the end, where the engine gives files for it, a summary of the job
//! and a result for the reporter action of GitHub Classroom.
//!
//! The engine names the files in `GITHUB_STEP_SUMMARY` and `GITHUB_OUTPUT`; the result is the step's output `result`, in base64. The
//! reporter counts points in two ways, by the tests that pass and by their scores. So each test of the result is worth the same: a scenario
//! with more points is more tests.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use super::told::{Case, Told};
use super::{Report, Verdict, markdown};
use crate::grade::{Build, Grade, Points};
use crate::journal::{Entry, Reader};

/// Most tests that the scenarios of a result are split into; with points that need more, each scenario is one test, and the reporter's two
/// sums may differ.
const MAX_TESTS: u32 = 1000;

pub(super) struct Github<W> {
    out: W,
    told: Told,
    summary: Option<PathBuf>,
    output: Option<PathBuf>,
}

impl<W> Github<W> {
    pub(super) fn new(out: W) -> Self {
        let path = |name| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        Self {
            out,
            told: Told::default(),
            summary: path("GITHUB_STEP_SUMMARY"),
            output: path("GITHUB_OUTPUT"),
        }
    }
}

impl<W: Write> Reader for Github<W> {
    fn read(&mut self, entry: Entry<'_>) -> io::Result<()> {
        self.told.note(entry);
        match entry {
            Entry::RunEnded { report, .. } => {
                self.out.write_all(annotations(report).as_bytes())?;
            }
            Entry::SubmissionEnded { grade } => {
                self.out.write_all(annotations_of_grade(grade).as_bytes())?;
            }
            Entry::Ended { .. } => {
                if let Some(summary) = &self.summary {
                    append(summary, &markdown::summary(&self.told))?;
                }
                if let Some(output) = &self.output {
                    append(output, &format!("result={}\n", result(&self.told)?))?;
                }
            }
            Entry::Began { .. }
            | Entry::RunBegan { .. }
            | Entry::StepDone { .. }
            | Entry::Found { .. }
            | Entry::SubmissionBegan { .. }
            | Entry::Built { .. }
            | Entry::ScenarioGraded { .. } => {}
        }
        self.out.flush()
    }
}

/// Steps of the same job share these files.
fn append(path: &PathBuf, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Those of each run, and a line for what could not be built or run.
fn annotations_of_grade(grade: &Grade) -> String {
    let submission = &grade.submission;
    let (level, what, why) = match &grade.build {
        Build::Failed { why } => ("error", "does not build", why),
        Build::Broken { why } => ("warning", "could not be built", why),
        Build::Done => {
            let scenarios = grade.scenarios.iter();
            let annotations = scenarios.map(|scenario| match &scenario.report {
                Some(report) => annotations(report),
                None => {
                    let title = format!("{submission}: {}", scenario.scenario);
                    let level = match scenario.outcome.verdict() {
                        Verdict::Pass => "notice",
                        Verdict::Fail => "error",
                        Verdict::Broken => "warning",
                    };
                    annotation(level, None, None, &title, scenario.why.as_str())
                }
            });
            return annotations.collect();
        }
    };
    annotation(level, None, None, &format!("{submission}: {what}"), why.as_str())
}

/// A line for each finding, and one for a run that says of itself only that it did not pass.
fn annotations(report: &Report) -> String {
    let mut lines = Vec::new();
    for line in &report.lines {
        for finding in line.all_findings() {
            let (file, begins) = report.place_of(line).unzip();
            let title = format!("{}: {}", report.scenario, line.what);
            let level = match report.verdict_of([finding].into_iter()) {
                Verdict::Fail => "error",
                Verdict::Broken => "warning",
                Verdict::Pass => "notice",
            };
            let message = format!(
                "{}: {}\nexpected {}\nfound {}",
                finding.place, finding.rule, finding.expected, finding.found
            );
            lines.push(annotation(
                level,
                file.map(|file| &**file),
                begins.flatten(),
                &title,
                &message,
            ));
        }
    }
    if report.steps_not_run > 0 {
        let (file, title) = (
            report.origin.as_ref().map(|origin| &*origin.file),
            report.scenario.to_string(),
        );
        let message = format!("{} not run", super::text::count(report.steps_not_run, "step"));
        lines.push(annotation("warning", file, None, &title, &message));
    }
    lines.concat()
}

fn annotation(level: &str, file: Option<&str>, line: Option<usize>, title: &str, message: &str) -> String {
    let file = file.map(|file| format!("file={},", property(file)));
    let line = line.map(|line| format!("line={line},"));
    format!(
        "::{level} {}{}title={}::{}\n",
        file.unwrap_or_default(),
        line.unwrap_or_default(),
        property(title),
        data(message)
    )
}

/// The message of a command, in which only what would end its line is special.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// What the reporter action of GitHub Classroom takes.
#[derive(Serialize)]
struct ClassroomResult {
    version: u32,
    status: &'static str,
    max_score: Points,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    name: String,
    status: &'static str,
    score: Points,
    message: String,
    test_code: String,
}

fn result(told: &Told) -> io::Result<String> {
    let cases: Vec<Case<'_>> = told
        .groups()
        .flat_map(|group| group.cases().collect::<Vec<_>>())
        .collect();
    let points = cases.iter().flat_map(|case| [case.points(), case.most_points()]);
    let most: Points = cases.iter().map(Case::most_points).sum();
    let unit = Points::common_part(points);
    let unit = unit.filter(|unit| most.times(*unit) <= MAX_TESTS);
    let result = ClassroomResult {
        version: 1,
        status: status(told.verdict()),
        max_score: most,
        tests: cases.iter().flat_map(|case| tests(case, unit)).collect(),
    };
    Ok(BASE64_STANDARD.encode(serde_json::to_string(&result)?))
}

/// A scenario as tests of which each is worth `unit`, or as one when there is no such unit.
fn tests(case: &Case<'_>, unit: Option<Points>) -> Vec<Test> {
    let verdict = case.outcome.verdict();
    let code = case.report.and_then(|report| report.origin.as_ref());
    let test = |name: String, status, score| Test {
        name,
        status,
        score,
        message: case.why(),
        test_code: code.map(|origin| origin.command.to_string()).unwrap_or_default(),
    };
    let name = case.scenario.to_string();
    let units = unit.map_or(1, |unit| case.most_points().times(unit));
    let (Some(unit), true) = (
        unit,
        units > 1 || case.points() == case.most_points() || case.points() == Points::default(),
    ) else {
        return vec![test(name, status(verdict), case.points())];
    };
    let got = case.points().times(unit);
    let each = (1..=units).map(|number| {
        let name = if units == 1 {
            name.clone()
        } else {
            format!("{name}, part {number} of {units}")
        };
        if number <= got {
            test(name, "pass", unit)
        } else {
            test(
                name,
                if verdict == Verdict::Broken {
                    "error"
                } else {
                    "fail"
                },
                Points::default(),
            )
        }
    });
    each.collect()
}

fn status(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Broken => "error",
    }
}

#[cfg(test)]
mod tests_of_points {
    use serde_json::Value;

    use super::*;
    use crate::grade::{Build, Grade, ScenarioGrade, Visibility};
    use crate::report::Outcome;

    fn points(points: f64) -> Points {
        Points::try_from(points).unwrap()
    }

    fn grade(scenario: &str, outcome: Outcome, got: f64, most: f64) -> ScenarioGrade {
        ScenarioGrade {
            scenario: scenario.into(),
            visibility: Visibility::Visible,
            outcome,
            points: points(got),
            most_points: points(most),
            why: "two of three checks".into(),
            report: None,
        }
    }

    fn decoded(scenarios: Vec<ScenarioGrade>) -> Value {
        let told = Told {
            grades: vec![Grade::new("s".into(), Build::Done, scenarios)],
            ..Told::default()
        };
        let bytes = BASE64_STANDARD.decode(result(&told).unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn both_sums_of_the_reporter_are_the_points_of_the_grade() {
        let result = decoded(vec![
            grade("cow", Outcome::FailedChecks, 6.0, 9.0),
            grade("swap", Outcome::Passed, 4.5, 4.5),
            grade("net", Outcome::HarnessBroke, 0.0, 1.5),
        ]);
        let tests = result["tests"].as_array().unwrap();
        let by_score: f64 = tests.iter().map(|test| test["score"].as_f64().unwrap()).sum();
        let passed = tests.iter().filter(|test| test["status"] == "pass").count();
        let most = result["max_score"].as_f64().unwrap();
        assert!((by_score - 10.5).abs() < 1e-9, "{result:#}");
        assert!(
            (passed as f64 / tests.len() as f64 * most - 10.5).abs() < 1e-9,
            "{result:#}"
        );
        assert_eq!(result["status"], "fail");
    }

    #[test]
    fn points_that_are_too_fine_make_one_test_a_scenario() {
        let result = decoded(vec![grade("cow", Outcome::FailedChecks, 66.67, 1000.0)]);
        assert_eq!(result["tests"].as_array().unwrap().len(), 1);
        assert_eq!(result["tests"][0]["score"], 66.67);
    }

    #[test]
    fn a_message_cannot_begin_another_command() {
        let line = annotation("error", Some("a,b:c.json"), Some(7), "t", "x\n::error::forged\r%");
        let expected = "::error file=a%2Cb%3Ac.json,line=7,title=t::x%0A::error::forged%0D%25\n";
        assert_eq!(line, expected);
    }
}
