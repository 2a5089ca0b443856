//! A rubric: what is submitted, which scenarios it is run on, and how many points each gives.
//!
//! A rubric is TOML ([`document`]). It is read to its end before anything is built, and everything that is wrong with it is told at once, each
//! with its place ([`check`]).

mod check;
mod document;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, LabeledSpan, NamedSource};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Points, Visibility};
use crate::image::BuildLimits;
use crate::printable::{self, Printable};
use crate::promise::Promise;
use crate::regular_file::{self, Links, RegularFileError};
use crate::scenario::{Scenario, ScenarioErrors};
use crate::worker::RunLimits;
use check::Problems;
use document::Document;

/// Most bytes of a rubric or of a scenario that it names.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Folders of the workspace that submissions may have files of.
pub(super) const GUEST: [&str; 3] = ["guest-kernel", "guest-user", "guest-modules"];
/// Files that decide how a crate is built. They are the course's own, in whatever folder that is taken.
const OF_BUILD: [&str; 3] = ["Cargo.toml", "Cargo.lock", "build.rs"];
/// Folder with settings of cargo.
const OF_CARGO: &str = ".cargo";

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
    /// The share of its steps that ran and found nothing.
    Steps,
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
    /// How much checks count, by title, or clauses, by identifier, in that; the others count 1.
    pub weights: BTreeMap<String, u32>,
    /// Who may see its result.
    pub visibility: Visibility,
    /// Seeds by which its contents are drawn, one for each of its runs; none for one run with those of its file.
    pub seeds: Vec<u64>,
}

/// What a submission may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// To be built.
    pub build: BuildLimits,
    /// In each run.
    pub run: RunLimits,
}

/// A function that students are to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its file's place in the workspace.
    pub file: String,
    /// Its name, with the type before it when it is a method.
    pub function: String,
    /// What stands there instead, as Rust.
    pub body: String,
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
    /// What a submission may use.
    pub limits: Limits,
    /// Words for the kernel's command line.
    pub options: Vec<String>,
    /// Reports without which a scenario is not judged, though the guest does not promise them.
    pub require: Vec<Promise>,
    /// What the starter for students leaves out.
    pub left_out: Vec<LeftOut>,
    /// The scenarios, in the order of the rubric.
    pub items: Vec<Item>,
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
        source: RegularFileError,
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

impl Item {
    /// The seeds of its runs, one after the other.
    pub fn runs(&self) -> impl Iterator<Item = Option<u64>> {
        let once = self.seeds.is_empty().then_some(None);
        once.into_iter().chain(self.seeds.iter().copied().map(Some))
    }
}

impl Rubric {
    /// Reads a rubric and all scenarios that it names.
    ///
    /// # Errors
    /// It cannot be read, or is wrong somewhere.
    pub fn read(path: &Path) -> Result<Rubric, Box<RubricError>> {
        let text = regular_file::read_text(path, Links::Followed, MAX_FILE_BYTES).map_err(|source| {
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

    /// Whether a file of a submission is taken. What decides how a crate is built is so only if the rubric names the file itself.
    #[must_use]
    pub fn takes(&self, path: &Path) -> bool {
        self.take.iter().any(|taken| match taken.strip_suffix('/') {
            Some(folder) => path.starts_with(folder) && path != Path::new(folder) && !is_of_build(path),
            None => path == Path::new(taken),
        })
    }
}

fn is_of_build(path: &Path) -> bool {
    let crate_folder_depth = if path.starts_with("guest-modules") { 2 } else { 1 };
    let is_in_crate_folder = path.components().count() == crate_folder_depth + 1;
    let is_of_build = is_in_crate_folder && OF_BUILD.iter().any(|name| path.ends_with(name));
    is_of_build || path.components().any(|part| part.as_os_str() == OF_CARGO)
}
