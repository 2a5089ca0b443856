//! Which files are added, and where they will be in the guest.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use walkdir::WalkDir;

use super::super::files::Mode;
use super::AddedError;
use crate::archive;
use crate::regular_file::{self, Links, RegularFileError};

/// Most bytes of one file that is added: more than any guest has memory for.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// Longest path in the archive, in bytes.
const MAX_PATH_BYTES: usize = 1024;
const MODE_EXECUTE: u32 = 0o111;

/// A file, or a folder with all that is in it, and where it will be in the guest. Written `PATH`, or `PATH:GUEST_PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    from: PathBuf,
    /// Without the root.
    pub(super) to: String,
}

impl FromStr for Added {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        // A path may have a colon in it.
        let (from, to) = match words.rsplit_once(':') {
            Some((from, to)) if !Path::new(words).exists() => (from, Some(to)),
            _ => (words, None),
        };
        let from = PathBuf::from(from);
        let name = || {
            let name = from.file_name().and_then(|name| name.to_str());
            name.ok_or_else(|| format!("{} has no name; write PATH:GUEST_PATH", from.display()))
        };
        let to = match to {
            Some(to) if to.ends_with('/') => format!("{to}{}", name()?),
            Some(to) => to.to_owned(),
            None => name()?.to_owned(),
        };
        let to = to.trim_start_matches('/').to_owned();
        Ok(Self { from, to })
    }
}

/// As it is parsed.
impl fmt::Display for Added {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:/{}", self.from.display(), self.to)
    }
}

/// A file to add.
pub(super) struct Found {
    pub(super) from: PathBuf,
    pub(super) mode: Mode,
    pub(super) contents: Vec<u8>,
}

/// All files, by their paths in the guest.
pub(super) fn find(added: &[Added]) -> Result<BTreeMap<String, Found>, AddedError> {
    let mut found = BTreeMap::new();
    for Added { from, to } in added {
        let walk = WalkDir::new(from).follow_links(true).sort_by_file_name();
        for entry in walk {
            let entry = entry.map_err(|source| AddedError::Folder {
                path: from.clone(),
                source,
            })?;
            if entry.file_type().is_dir() {
                continue;
            }
            let path = entry.path();
            let mut guest_path = PathBuf::from(to);
            guest_path.extend(path.strip_prefix(from).unwrap_or(path));
            let guest_path = guest_path_of(path, &guest_path)?;
            let file = read(path)?;
            if found.insert(guest_path.clone(), file).is_some() {
                let path = path.to_owned();
                return Err(AddedError::Taken { path, guest_path });
            }
        }
    }
    Ok(found)
}

/// A path as it stands in an archive.
fn guest_path_of(from: &Path, to: &Path) -> Result<String, AddedError> {
    let refused = |problem| AddedError::Path {
        path: from.to_owned(),
        guest_path: to.to_string_lossy().into_owned(),
        problem,
    };
    let inside = archive::inside(to).ok_or_else(|| refused("leads out of the archive"))?;
    let path = inside
        .to_str()
        .ok_or_else(|| refused("is no UTF-8 text"))?
        .to_owned();
    if path.is_empty() {
        return Err(refused("is empty"));
    }
    if path.len() > MAX_PATH_BYTES {
        return Err(refused("is longer than 1024 bytes"));
    }
    Ok(path)
}

fn read(path: &Path) -> Result<Found, AddedError> {
    let refused = |source| AddedError::Read {
        path: path.to_owned(),
        source,
    };
    let system = |source| refused(RegularFileError::System(source));
    let (mut file, _) = regular_file::open(path, Links::Followed, MAX_FILE_BYTES).map_err(refused)?;
    let permissions = file.metadata().map_err(system)?.permissions();
    let mut contents = Vec::new();
    std::io::copy(&mut file, &mut contents).map_err(system)?;
    Ok(Found {
        from: path.to_owned(),
        mode: if permissions.mode() & MODE_EXECUTE == 0 {
            Mode::Data
        } else {
            Mode::Executable
        },
        contents,
    })
}
