//! A rubric: what is submitted, which scenarios it is run on, and how many points each gives.
//!
//! A rubric is TOML. It is read to its end before anything is built, and everything that is wrong with it is told at once, each with its
//! place.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use miette::{Diagnostic, LabeledSpan, NamedSource};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::{Points, Visibility};
use crate::image::BuildLimits;
use crate::printable::{self, Printable};
use crate::scenario::{Scenario, ScenarioErrors, Step};

/// Most bytes of a rubric or of a scenario that it names.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// What a submission is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A folder with source files, each in its place in the workspace: of the kernel, of a module, or of a program in Rust or C.
    Sources,
    /// A kernel that has been built: one file, with the programs of the course.
    KernelFile,
    /// A guest image that has been built: a folder with `kernel`, `initrd` and `programs`.
    Image,
}

/// What part of a scenario's points a submission gets that does not pass it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Partial {
    /// Nothing.
    #[default]
    None,
    /// The share of its checks that ran and found nothing.
    Checks,
    /// The share of the clauses that it shows that passed.
    Clauses,
}

/// A scenario of a rubric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its file, as reports name it.
    pub file: String,
    /// Its text.
    pub text: String,
    /// What it says.
    pub scenario: Scenario,
    /// Points for passing it.
    pub points: Points,
    /// What one gets that does not.
    pub partial: Partial,
    /// Who may see its result.
    pub visibility: Visibility,
}

/// A rubric that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rubric {
    /// What the assignment is called.
    pub title: String,
    /// What a submission is.
    pub kind: Kind,
    /// Files, and folders with a slash at their end, that are taken of a submission; their places in the workspace.
    pub take: Vec<String>,
    /// What building a submission may use.
    pub limits: BuildLimits,
    /// Words for the kernel's command line.
    pub options: Vec<String>,
    /// The scenarios, in the order of the rubric.
    pub items: Vec<Item>,
}

/// The file as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Document {
    /// What the assignment is called.
    title: String,
    /// What a submission is.
    kind: Kind,
    /// Points of all scenarios together.
    #[schemars(with = "Points")]
    total: Spanned<Points>,
    /// Source files that are taken of a submission, as their places in the workspace; a folder ends with a slash. Everything else that is
    /// submitted is left, and told.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    take: Vec<Spanned<String>>,
    /// Words for the kernel's command line.
    #[serde(default)]
    options: Vec<String>,
    /// What building a submission may use.
    #[serde(default)]
    limits: BuildLimits,
    /// The scenarios.
    #[serde(rename = "scenario", default)]
    scenarios: Vec<DocumentItem>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DocumentItem {
    /// The scenario's file, relative to the folder of the rubric.
    #[schemars(with = "PathBuf")]
    file: Spanned<PathBuf>,
    /// Points for passing it.
    points: Points,
    /// What one gets that does not.
    #[serde(default)]
    #[schemars(with = "Partial")]
    partial: Option<Spanned<Partial>>,
    /// Who may see its result.
    #[serde(default)]
    visibility: Visibility,
    /// Clauses that it must show, such as `COW-2`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    clauses: Vec<Spanned<String>>,
}

/// A rubric cannot be used. Rendered by miette it shows each place in the text.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum RubricError {
    /// The file cannot be read.
    #[error("cannot read the rubric {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: crate::regular_file::RegularFileError,
    },
    /// It says something that cannot be.
    #[error("{name} is not a usable rubric")]
    Wrong {
        /// The file.
        name: Printable,
        /// Its text.
        #[source_code]
        source_text: NamedSource<String>,
        /// What is wrong, at its place.
        #[label(collection)]
        problems: Vec<LabeledSpan>,
        /// Scenarios that cannot be used.
        #[related]
        scenarios: Vec<ScenarioErrors>,
    },
}

/// The JSON Schema of rubrics.
#[must_use]
pub fn rubric_schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}

impl Rubric {
    /// Reads a rubric and all scenarios that it names.
    ///
    /// # Errors
    /// It cannot be read, or is wrong somewhere.
    pub fn read(path: &Path) -> Result<Rubric, Box<RubricError>> {
        let text = read_text(path).map_err(|source| {
            Box::new(RubricError::Read {
                path: path.to_owned(),
                source,
            })
        })?;
        let mut problems = Problems::default();
        let document: Option<Document> = match toml::from_str(&text) {
            Ok(document) => Some(document),
            Err(error) => {
                problems.add(error.span().unwrap_or(0..0), error.message());
                None
            }
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let rubric = document.map(|document| problems.check(document, folder));
        match rubric {
            Some(rubric) if problems.are_none() => Ok(rubric),
            Some(_) | None => {
                let name = Printable::from(path.display().to_string());
                Err(Box::new(RubricError::Wrong {
                    source_text: NamedSource::new(&*name, printable::in_place(&text)),
                    name,
                    problems: problems.spans,
                    scenarios: problems.scenarios,
                }))
            }
        }
    }

    /// Whether a file of a submission is taken.
    #[must_use]
    pub fn takes(&self, path: &Path) -> bool {
        let path = path.to_string_lossy();
        self.take.iter().any(|taken| match taken.strip_suffix('/') {
            Some(folder) => path
                .strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/')),
            None => *taken == path,
        })
    }
}

fn read_text(path: &Path) -> Result<String, crate::regular_file::RegularFileError> {
    crate::regular_file::read_text(path, crate::regular_file::Links::Followed, MAX_FILE_BYTES)
}

/// What is wrong so far.
#[derive(Default)]
struct Problems {
    spans: Vec<LabeledSpan>,
    scenarios: Vec<ScenarioErrors>,
}

impl Problems {
    fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        let message = Printable::from(message.into()).to_string();
        self.spans.push(LabeledSpan::new_with_span(Some(message), span));
    }

    fn are_none(&self) -> bool {
        self.spans.is_empty() && self.scenarios.is_empty()
    }

    fn check(&mut self, document: Document, folder: &Path) -> Rubric {
        for taken in &document.take {
            self.check_taken(taken);
        }
        let total = document.total.span();
        if document.kind == Kind::Sources && document.take.is_empty() {
            self.add(
                total.clone(),
                "nothing is taken of a submission: expected `take` to name files or folders",
            );
        }
        let items: Vec<Item> = document
            .scenarios
            .iter()
            .filter_map(|item| self.item(item, folder))
            .collect();
        let sum: Points = items.iter().map(|item| item.points).sum();
        if items.is_empty() && self.are_none() {
            self.add(
                total,
                "the rubric has no scenario: expected at least one `[[scenario]]`",
            );
        } else if sum != *document.total.get_ref() && self.are_none() {
            let message = format!("the points of the scenarios add up to {sum}, expected this total");
            self.add(total, message);
        }
        Rubric {
            title: document.title,
            kind: document.kind,
            take: document.take.into_iter().map(Spanned::into_inner).collect(),
            limits: document.limits,
            options: document.options,
            items,
        }
    }

    fn check_taken(&mut self, taken: &Spanned<String>) {
        let path = Path::new(taken.get_ref());
        let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        let of_guest = ["guest-kernel", "guest-user", "guest-modules"];
        if !is_inside || !of_guest.iter().any(|part| path.starts_with(part)) {
            let message = format!("expected a path below {}, without `..`", of_guest.join(", "));
            self.add(taken.span(), message);
        }
    }

    fn item(&mut self, item: &DocumentItem, folder: &Path) -> Option<Item> {
        let path = folder.join(item.file.get_ref());
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) => {
                self.add(
                    item.file.span(),
                    format!("cannot read {}: {error}", path.display()),
                );
                return None;
            }
        };
        let file = path.display().to_string();
        let scenario = match Scenario::parse_for_any_image(&file, &text) {
            Ok(scenario) => scenario,
            Err(errors) => {
                self.add(item.file.span(), "this scenario cannot be used");
                self.scenarios.push(errors);
                return None;
            }
        };
        let shown: Vec<String> = scenario
            .step_clauses
            .iter()
            .flatten()
            .map(|clause| clause.id.to_string())
            .collect();
        for clause in &item.clauses {
            if !shown.contains(clause.get_ref()) {
                let message = format!("no step of {file} shows this clause");
                self.add(clause.span(), message);
            }
        }
        let partial = item
            .partial
            .as_ref()
            .map_or(Partial::None, |partial| *partial.get_ref());
        let has_checks = scenario.steps.iter().any(|step| matches!(step, Step::Check(_)));
        let impossible = match partial {
            Partial::None => None,
            Partial::Checks => (!has_checks).then_some("the scenario has no checks"),
            Partial::Clauses => shown
                .is_empty()
                .then_some("no step of the scenario shows a clause"),
        };
        if let (Some(message), Some(partial)) = (impossible, &item.partial) {
            self.add(partial.span(), message);
        }
        Some(Item {
            file,
            text,
            scenario,
            points: item.points,
            partial,
            visibility: item.visibility,
        })
    }
}
