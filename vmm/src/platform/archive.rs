//! The archive with everything that the emulated machine has: files at paths, as Linux unpacks it when it boots.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cpio::newc::{self, Builder};

use super::EmulationError;

const FILE: u32 = 0o100_755;
const FOLDER: u32 = 0o040_755;

/// Files by the paths that they will have.
#[derive(Debug, Default)]
pub(super) struct Archive {
    files: BTreeMap<PathBuf, Vec<u8>>,
    folders: BTreeSet<PathBuf>,
}

impl Archive {
    /// Adds an empty folder.
    pub(super) fn folder(&mut self, path: &Path) {
        for parent in path.ancestors().filter(|parent| parent.parent().is_some()) {
            self.folders.insert(parent.to_owned());
        }
    }

    /// Adds a file with these contents, and the folders that it lies in.
    pub(super) fn file(&mut self, path: &Path, contents: Vec<u8>) {
        if let Some(parent) = path.parent() {
            self.folder(parent);
        }
        self.files.insert(path.to_owned(), contents);
    }

    /// Adds a file, or a folder with all that is in it, that will lie where it lies here. `path` is absolute.
    pub(super) fn copy(&mut self, path: &Path) -> Result<(), EmulationError> {
        if !path.is_dir() {
            let contents = fs::read(path).map_err(EmulationError::file("read", path))?;
            self.file(path, contents);
            return Ok(());
        }
        self.folder(path);
        let entries = fs::read_dir(path).map_err(EmulationError::file("list", path))?;
        for entry in entries {
            let entry = entry.map_err(EmulationError::file("list", path))?;
            self.copy(&entry.path())?;
        }
        Ok(())
    }

    /// Writes it as a newc archive, folders first.
    pub(super) fn write(&self, mut to: impl Write) -> io::Result<()> {
        for folder in &self.folders {
            let builder = Builder::new(&name(folder)).mode(FOLDER);
            builder.write(&mut to, 0).finish()?;
        }
        for (path, contents) in &self.files {
            let len = u32::try_from(contents.len()).map_err(io::Error::other)?;
            let mut entry = Builder::new(&name(path)).mode(FILE).write(&mut to, len);
            entry.write_all(contents)?;
            entry.finish()?;
        }
        newc::trailer(to).map(drop)
    }

    /// Bytes of all files.
    pub(super) fn len_bytes(&self) -> u64 {
        self.files.values().map(|contents| contents.len() as u64).sum()
    }
}

/// Names in an archive are relative to the root.
fn name(path: &Path) -> String {
    path.to_string_lossy().trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::files;

    #[test]
    fn files_lie_where_they_lay_and_their_folders_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inner/file");
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, "contents").unwrap();
        let mut archive = Archive::default();
        archive.copy(folder.path()).unwrap();
        let written = tempfile::tempfile().unwrap();
        archive.write(&written).unwrap();
        let entries: Vec<_> = files(&written).collect();
        let (name, range) = entries.last().unwrap();
        assert_eq!(format!("/{name}"), path.to_string_lossy());
        assert_eq!(range.end - range.start, 8);
        let inner = entries.iter().position(|(name, _)| name.ends_with("inner"));
        assert!(inner.unwrap() < entries.len() - 1);
        assert_eq!(archive.len_bytes(), 8);
    }
}
