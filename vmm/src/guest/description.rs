//! What is known of a kernel.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::promise::Promises;

/// What is known of a kernel: its name, what it promises to report, and where its files are, if the description comes with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// What people call it.
    pub name: String,
    /// What it promises to report.
    pub promises: Promises,
    /// PVH ELF file. In a description that was read from a file, relative to the folder of that file.
    #[serde(default)]
    pub kernel: Option<PathBuf>,
    /// newc archive of programs, relative to the same folder; without it the programs of this project.
    #[serde(default)]
    pub initrd: Option<PathBuf>,
    /// Words for its command line.
    #[serde(default)]
    pub options: Vec<String>,
}

/// A description that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptionError {
    /// The file cannot be read.
    #[error("cannot read the description of a guest in {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file describes no guest.
    #[error("{path} describes no guest")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
}

impl Description {
    /// Reads a description, a TOML file such as
    ///
    /// ```toml
    /// name = "exercise 4"
    /// kernel = "build/kernel"
    /// promises = ["ends", "faults"]
    /// ```
    ///
    /// # Errors
    /// The file cannot be read, or says something else.
    pub fn read(path: &Path) -> Result<Description, DescriptionError> {
        let text = fs::read_to_string(path).map_err(|source| DescriptionError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut description: Description =
            toml::from_str(&text).map_err(|source| DescriptionError::Parse {
                path: path.to_owned(),
                source: Box::new(source),
            })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for file in [&mut description.kernel, &mut description.initrd]
            .into_iter()
            .flatten()
        {
            *file = folder.join(&*file);
        }
        Ok(description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promise::Promise;

    fn read(text: &str) -> Result<Description, DescriptionError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guest.toml");
        fs::write(&path, text).unwrap();
        let read = Description::read(&path);
        read.map(|description| Description {
            kernel: description
                .kernel
                .map(|kernel| kernel.strip_prefix(folder.path()).unwrap().to_owned()),
            ..description
        })
    }

    #[test]
    fn a_file_says_what_a_kernel_promises_and_where_it_is() {
        let description =
            read("name = 'mine'\nkernel = 'build/kernel'\npromises = ['ends', 'virtual-clock']").unwrap();
        assert_eq!(description.kernel.as_deref(), Some(Path::new("build/kernel")));
        assert!(description.promises.has(Promise::Ends) && !description.promises.has(Promise::Faults));
    }

    #[test]
    fn a_promise_that_there_is_not_and_a_key_that_nobody_knows_are_refused() {
        for wrong in [
            "name = 'mine'\npromises = ['heat']",
            "name = 'mine'\npromises = []\nkernal = 'x'",
        ] {
            let error = read(wrong).unwrap_err();
            assert!(matches!(error, DescriptionError::Parse { .. }), "{error:?}");
        }
    }
}
