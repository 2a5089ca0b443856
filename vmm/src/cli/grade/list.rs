//! Which submissions a call names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use vmm::grade;
use vmm::printable::Printable;
use vmm::regular_file::{self, Links};

use super::super::{Shown, Status};

/// What stands before the name of a file with a list.
const LIST: char = '@';
/// What a line of a list begins with that names nothing.
const COMMENT: char = '#';
/// Longest list that is read, in bytes.
const MAX_LIST_BYTES: u64 = 16 << 20;

/// A submission, and what it is called.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: Printable,
    /// Its place among all that the call names, from 0.
    pub(super) place: usize,
    pub(super) path: PathBuf,
}

/// All submissions, those of lists included. Two of one name could not be told apart.
pub(super) fn submissions(arguments: &[PathBuf]) -> Result<Vec<Named>, Shown> {
    // Each with where it is named, for messages.
    let mut paths = Vec::new();
    for argument in arguments {
        match argument.to_string_lossy().strip_prefix(LIST) {
            Some(list) => paths.extend(listed(Path::new(list))?),
            None => paths.push((argument.clone(), String::new())),
        }
    }
    let mut names = BTreeSet::new();
    let mut named = Vec::new();
    for (place, (path, named_in)) in paths.into_iter().enumerate() {
        if !path.exists() {
            return Err(refused(&path, &named_in, "there is no such file"));
        }
        let name = grade::name_of(&path);
        if !names.insert(name.clone()) {
            return Err(refused(
                &path,
                &named_in,
                &format!("another submission is called {name}, too; give one of them another name"),
            ));
        }
        named.push(Named { name, place, path });
    }
    if named.is_empty() {
        eprintln!("error: there is nothing to grade: the list names no submission");
        return Err(Shown(Status::UnusableInput));
    }
    Ok(named)
}

fn refused(path: &Path, named_in: &str, problem: &str) -> Shown {
    let path = Printable::from(path.display().to_string());
    eprintln!("error: cannot grade {path}{named_in}: {problem}");
    Shown(Status::UnusableInput)
}

/// The paths in a list, one a line, relative to its folder; and which line that is.
fn listed(list: &Path) -> Result<Vec<(PathBuf, String)>, Shown> {
    let text = regular_file::read_text(list, Links::Followed, MAX_LIST_BYTES).map_err(|error| {
        let list = Printable::from(list.display().to_string());
        eprintln!("error: cannot read the list {list}: {error}");
        Shown(Status::UnusableInput)
    })?;
    let folder = list.parent().unwrap_or(Path::new(""));
    let lines = (1..).zip(text.lines().map(str::trim));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(COMMENT));
    let name = Printable::from(list.display().to_string());
    Ok(lines
        .map(|(number, line)| (folder.join(line), format!(" (line {number} of {name})")))
        .collect())
}
