//! What students begin with: the files that they are to hand in, without the functions that they are to write, and the scenarios that they
//! may see, with a rubric of these.
//!
//! **Invariant:** nothing of a function that the rubric leaves out is written, and no deliberate fault of the kernel's, which would tell where
//! to look.

mod left_out;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::rubric::{Item, Kind, LeftOut, Partial, Rubric};
use super::{Moment, Points};
use crate::image::{self, BuildLimits, ImageError};
use crate::report::Origin;
use left_out::without;

/// The folder of the scenarios in the starter.
const SCENARIOS: &str = "scenarios";
/// The name of the starter's rubric.
const RUBRIC: &str = "rubric.toml";

/// There is no starter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StarterError {
    /// Submissions are no sources.
    #[error("a starter has source files, and the rubric's kind is another: expected `kind = \"sources\"`")]
    NoSources,
    /// The folder is not new.
    #[error("{} is there already: expected the name of a new folder", folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// The course's own sources are not there.
    #[error(transparent)]
    Course(#[from] ImageError),
    /// A file that students are to hand in cannot be read.
    #[error("cannot read the course's own {}", file.display())]
    Read {
        /// Its place in the workspace.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file from which a function is to be left out is no Rust.
    #[error("{file} is no Rust: {source}")]
    NoRust {
        /// Its place in the workspace.
        file: String,
        /// Why not.
        source: syn::Error,
    },
    /// A function that is to be left out is not there.
    #[error("{file} has no function {function}, which `[[left-out]]` names")]
    NoFunction {
        /// The file.
        file: String,
        /// The function.
        function: String,
    },
    /// A deliberate fault would be left.
    #[error(
        "{file} has deliberate faults of the kernel's outside of what `[[left-out]]` names: leave out the function at line {line}, too"
    )]
    Fault {
        /// The file.
        file: String,
        /// A line with one.
        line: usize,
    },
    /// A file cannot be written.
    #[error("cannot write {}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Writes the starter of a rubric into a new folder, and gives the number of its files.
///
/// # Errors
/// The course's sources are not as the rubric says, or the folder cannot be written.
pub fn write_starter(to: &Path, rubric: &Rubric) -> Result<usize, StarterError> {
    if rubric.kind != Kind::Sources {
        return Err(StarterError::NoSources);
    }
    if to.symlink_metadata().is_ok() {
        let folder = to.to_owned();
        return Err(StarterError::Exists { folder });
    }
    let workspace = image::workspace()?;
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for taken in &rubric.take {
        add(&workspace, Path::new(taken), rubric, &mut files)?;
    }
    for (file, contents) in &mut files {
        let left_out: Vec<&LeftOut> = rubric
            .left_out
            .iter()
            .filter(|left_out| Path::new(&left_out.file) == file)
            .collect();
        if file.extension().is_some_and(|extension| extension == "rs") {
            let text = String::from_utf8_lossy(contents);
            *contents = without(&file.display().to_string(), &text, &left_out)?.into_bytes();
        }
    }
    let seen: Vec<&Item> = rubric.items.iter().filter(|item| is_in(item)).collect();
    for item in &seen {
        files.push((scenario_file(item), item.text.clone().into_bytes()));
    }
    files.push((RUBRIC.into(), students_rubric(rubric, &seen).into_bytes()));
    files.push(("README.md".into(), readme(rubric).into_bytes()));
    for (file, contents) in &files {
        let file = to.join(file);
        let parent = file.parent().unwrap_or(to);
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&file, contents));
        written.map_err(|source| StarterError::Write { file, source })?;
    }
    Ok(files.len())
}

/// Where a scenario of the rubric is in the starter; None when it is not there, or there can be no starter.
#[must_use]
pub fn file_in_starter(item: &Item, rubric: &Rubric) -> Option<PathBuf> {
    (rubric.kind == Kind::Sources && is_in(item)).then(|| scenario_file(item))
}

/// Where students have a scenario that was graded, and how they run it; None when they do not have it.
pub(super) fn origin(graded: Origin) -> Option<Origin> {
    Some(Origin {
        file: graded.in_starter?,
        command: format!("vmm grade --rubric {RUBRIC} .").into(),
        called_in: Some(
            "the folder that you hand in, with the rubric and the scenarios of the starter in it".into(),
        ),
        in_starter: None,
        step_lines: graded.step_lines,
    })
}

fn is_in(item: &Item) -> bool {
    item.visibility.is_seen(Moment::BeforeDueDate)
}

/// Adds a file of the workspace, or all of a folder that are taken.
fn add(
    workspace: &Path,
    taken: &Path,
    rubric: &Rubric,
    files: &mut Vec<(PathBuf, Vec<u8>)>,
) -> Result<(), StarterError> {
    let unreadable = |source| StarterError::Read {
        file: taken.to_owned(),
        source,
    };
    let path = workspace.join(taken);
    if !path.is_dir() {
        // What students are to add is not there yet.
        match fs::read(&path) {
            Ok(contents) => files.push((taken.to_owned(), contents)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(error)),
        }
        return Ok(());
    }
    let entries = fs::read_dir(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut names: Vec<_> = entries
        .map_err(unreadable)?
        .iter()
        .map(fs::DirEntry::file_name)
        .collect();
    names.sort();
    for name in names {
        let below = taken.join(name);
        if workspace.join(&below).is_dir() || rubric.takes(&below) {
            add(workspace, &below, rubric, files)?;
        }
    }
    Ok(())
}

/// A rubric of the scenarios that students see.
#[derive(Serialize)]
struct StudentsRubric<'a> {
    title: &'a str,
    kind: &'static str,
    take: &'a [String],
    total: Points,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    options: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    require: Vec<&'static str>,
    limits: StudentsLimits,
    scenario: Vec<StudentsItem>,
}

/// Those of the assignment: without them, a run could end in another way.
#[derive(Serialize)]
struct StudentsLimits {
    #[serde(flatten)]
    build: BuildLimits,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_exits: Option<u64>,
}

#[derive(Serialize)]
struct StudentsItem {
    file: String,
    points: Points,
    partial: &'static str,
}

fn students_rubric(rubric: &Rubric, seen: &[&Item]) -> String {
    let items = seen.iter().map(|item| StudentsItem {
        file: scenario_file(item).display().to_string(),
        points: item.points,
        partial: match item.partial {
            Partial::None => "none",
            Partial::Checks => "checks",
            Partial::Steps => "steps",
            Partial::Clauses => "clauses",
        },
    });
    let document = StudentsRubric {
        title: &rubric.title,
        kind: "sources",
        take: &rubric.take,
        total: seen.iter().map(|item| item.points).sum(),
        options: &rubric.options,
        require: rubric.require.iter().map(|report| report.name()).collect(),
        limits: StudentsLimits {
            build: rubric.limits.build,
            run_seconds: rubric.limits.run.seconds,
            run_exits: rubric.limits.run.exits,
        },
        scenario: items.collect(),
    };
    toml::to_string(&document).expect("a rubric is a table of texts and numbers")
}

fn scenario_file(item: &Item) -> PathBuf {
    let name = Path::new(&item.file).file_name().unwrap_or_default();
    Path::new(SCENARIOS).join(name)
}

fn readme(rubric: &Rubric) -> String {
    let hidden = rubric.items.iter().filter(|item| !is_in(item)).count();
    let more = match hidden {
        0 => String::new(),
        _ => "Some scenarios of the assignment are not among them.\n".to_owned(),
    };
    let files: String = rubric.take.iter().map(|taken| format!("- `{taken}`\n")).collect();
    let written: String = rubric
        .left_out
        .iter()
        .map(|left_out| format!("- `{}` in `{}`\n", left_out.function, left_out.file))
        .collect();
    let to_write = if written.is_empty() {
        String::new()
    } else {
        format!("You are to write:\n\n{written}\n")
    };
    format!(
        "# {}\n\n{to_write}You hand in a folder, or an archive of it, with these files in their places. Nothing else is taken:\n\n{files}\n\
         `scenarios/` has what your work is run on. {more}To see how many points it gets, run this in the sources of Ringside, with the \
         path of this folder in the place of FOLDER:\n\n```sh\ncargo run -p vmm -- grade --rubric FOLDER/rubric.toml FOLDER\n```\n",
        rubric.title,
    )
}
