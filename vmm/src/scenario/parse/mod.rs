//! Text to [`Scenario`]: syntax, then types, then meaning; each stage starts only when the one before found nothing.

mod access;
mod decode;
mod error;
mod node;
mod syntax;

use jsonc_parser::ast::Value;
use jsonc_parser::common::{Range, Ranged};

pub(super) use decode::{CLAUSE, CheckFields, Header, STEPS, TRACE};

use self::node::Node;
use super::check::{self, Surroundings};
use super::language::Scenario;
use super::path::{Part, Path};
use super::problem::{Problem, ScenarioErrors, line_and_column};

/// Largest scenario file, in bytes: people write them.
const MAX_TEXT_BYTES: usize = 1 << 20;

impl Scenario {
    /// Reads a scenario.
    ///
    /// `source_name` is the file's path, for messages and because the scenario must have the file's name; `programs` are
    /// those of the guest image, which `exec` steps may name.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the text, as far as the stage that found it could tell.
    pub fn parse(source_name: &str, text: &str, programs: &[String]) -> Result<Self, ScenarioErrors> {
        Self::parse_in(source_name, text, Some(programs))
    }

    /// Reads a scenario to know what it says, not to run it: any program may be in the guest image.
    ///
    /// # Errors
    ///
    /// As for [`Self::parse`].
    pub fn parse_for_any_image(source_name: &str, text: &str) -> Result<Self, ScenarioErrors> {
        Self::parse_in(source_name, text, None)
    }

    fn parse_in(source_name: &str, text: &str, programs: Option<&[String]>) -> Result<Self, ScenarioErrors> {
        let surroundings = Surroundings {
            source_name,
            programs,
        };
        parse(text, &surroundings).map_err(|problems| ScenarioErrors::new(source_name, text, problems))
    }
}

fn parse(text: &str, surroundings: &Surroundings<'_>) -> Result<Scenario, Vec<Problem>> {
    let whole = |message: &str, help: &str| {
        let start = Range::new(0, text.len().min(1));
        vec![Problem::new(
            text,
            start,
            &Path::default(),
            &message,
            Some(help.to_owned()),
        )]
    };
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("expected at most {MAX_TEXT_BYTES} bytes, found {}", text.len());
        return Err(whole(
            &message,
            "a scenario is a short script; cut it into several",
        ));
    }
    let root = syntax::read(text).map_err(|error| {
        let message = format!("not JSON: {}", lower_first(&error.kind().to_string()));
        vec![Problem::new(
            text,
            error.range(),
            &Path::default(),
            &message,
            None,
        )]
    })?;
    let root = root.ok_or_else(|| {
        whole(
            "not JSON: the file is empty",
            "write an object with `name`, `description` and `steps`",
        )
    })?;
    refuse_duplicate_keys(text, &root)?;

    let (header, steps) = decode::decode(Node {
        value: &root,
        path: Path::default(),
    })
    .map_err(|errors| {
        let problem = |error: &error::DecodeError| {
            let (path, part) = error.place();
            Problem::new(
                text,
                syntax::locate(text, &root, &path, part),
                &path,
                error,
                error.mismatch.help(),
            )
        };
        errors.iter().map(problem).collect::<Vec<_>>()
    })?;
    let (mut step_clauses, mut step_traces) = (Vec::new(), Vec::new());
    let steps = steps.into_iter().map(|parsed| {
        step_clauses.push(parsed.clauses);
        step_traces.push(parsed.trace);
        parsed.step
    });
    let steps = steps.collect();
    let step_lines = step_lines(text, &root);
    let Header {
        name,
        description,
        guest,
        budget,
        schedule,
        vary,
        functions,
        ..
    } = header;
    let scenario = Scenario {
        name,
        description,
        guest,
        budget,
        schedule,
        functions,
        vary,
        drawn: None,
        steps,
        step_lines,
        step_clauses,
        step_traces,
    };

    let findings = check::check(&scenario, surroundings);
    if findings.is_empty() {
        return Ok(scenario);
    }
    let problem = |finding: &check::Finding| {
        let range = syntax::locate(text, &root, &finding.path, Part::Value);
        Problem::new(text, range, &finding.path, &finding.error, finding.error.help())
    };
    Err(findings.iter().map(problem).collect())
}

fn refuse_duplicate_keys(text: &str, root: &Value<'_>) -> Result<(), Vec<Problem>> {
    let duplicates = syntax::duplicate_keys(root);
    if duplicates.is_empty() {
        return Ok(());
    }
    let problem = |duplicate: &syntax::Duplicate| {
        let help = Some("keep one of the two: readers of JSON disagree about which one counts".to_owned());
        Problem::new(
            text,
            duplicate.range,
            &duplicate.path,
            &"this key stands in its object for the second time",
            help,
        )
    };
    Err(duplicates.iter().map(problem).collect())
}

fn step_lines(text: &str, root: &Value<'_>) -> Vec<usize> {
    let steps = root.as_object().and_then(|object| object.get_array(STEPS));
    let line = |step: &Value<'_>| line_and_column(text, step.range().start).0;
    steps
        .map(|steps| steps.elements.iter().map(line).collect())
        .unwrap_or_default()
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(letters)
        .collect()
}
