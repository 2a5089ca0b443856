//! What is wrong with a scenario, and where.

use std::fmt;
use std::sync::Arc;

use jsonc_parser::common::Range;
use miette::{Diagnostic, NamedSource, SourceSpan};

use super::path::Path;
use crate::printable::{self, Printable};

/// Most problems that are reported at once: the later ones often follow from the first.
const MAX_REPORTED: usize = 20;

/// Everything that is wrong with a scenario. Rendered by miette it shows each place in the text.
#[derive(Clone, Debug, thiserror::Error, Diagnostic)]
#[error("{name} is not a usable scenario: {}{}", count(.problems.len()), omission(*.omitted))]
pub struct ScenarioErrors {
    name: String,
    #[source_code]
    source_text: Arc<NamedSource<String>>,
    #[related]
    problems: Vec<Problem>,
    omitted: usize,
}

impl ScenarioErrors {
    pub(super) fn new(source_name: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        let source_name = Printable::from(source_name).to_string();
        problems.sort_by_key(|problem| problem.span.offset());
        let omitted = problems.len().saturating_sub(MAX_REPORTED);
        problems.truncate(MAX_REPORTED);
        Self {
            name: source_name.clone(),
            source_text: Arc::new(NamedSource::new(source_name, printable::in_place(text))),
            problems,
            omitted,
        }
    }

    /// The problems, in the order of the text; at least one.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Problems beyond those of [`Self::problems`], which are not kept.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

fn count(problems: usize) -> String {
    match problems {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    }
}

fn omission(omitted: usize) -> String {
    match omitted {
        0 => String::new(),
        omitted => format!(", and {omitted} more"),
    }
}

/// One thing that is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Diagnostic)]
pub struct Problem {
    /// Where in the document, such as `steps[3].expect[0].same_frame[1]`; empty for the whole of it.
    pub path: String,
    /// Line of the file, from 1.
    pub line: usize,
    /// Column in that line, in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[help]
    pub help: Option<String>,
    #[label]
    span: SourceSpan,
}

impl Problem {
    pub(super) fn new(
        text: &str,
        range: Range,
        path: &Path,
        message: &impl fmt::Display,
        help: Option<String>,
    ) -> Self {
        let (line, column) = line_and_column(text, range.start);
        Self {
            path: Printable::from(path.to_string()).to_string(),
            line,
            column,
            message: Printable::from(message.to_string()).to_string(),
            help: help.map(|help| Printable::from(help).to_string()),
            span: (range.start..range.end).into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// Line and column of a byte offset, both from 1.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}
