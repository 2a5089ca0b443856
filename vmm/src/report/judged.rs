//! What was judged, and by what: nothing of it says how a run went, and all of it is needed to know what the verdict is about.

use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guest::Description;
use crate::image::GuestImage;
use crate::platform::KvmKind;
use crate::printable::Printable;
use crate::regular_file::Links;
use crate::results::{self, ResultsError};

/// Digits of a hash that text shows; JSON has all of them.
const SHOWN_DIGITS: usize = 16;

/// What was judged, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    /// Name of the guest, as its description says.
    pub guest: Printable,
    /// The kernel that was loaded.
    pub kernel: JudgedFile,
    /// The archive of the programs that it ran.
    pub programs: JudgedFile,
    /// Words for the kernel's command line, beside those of the scenarios.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub options: Vec<Printable>,
    /// The rubric that scenarios and points are from, when it was graded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rubric: Option<JudgedFile>,
    /// Version of Ringside.
    pub ringside: Printable,
    /// Where its machines ran.
    pub platform: KvmKind,
}

/// A file, and which contents it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JudgedFile {
    /// Where it was.
    pub file: Printable,
    /// SHA-256 of its contents in hexadecimal digits, as `sha256sum` prints it.
    pub sha256: Printable,
}

impl Judged {
    /// What is judged when the guest of this description and these files runs on a KVM of this kind.
    ///
    /// # Errors
    /// A file of the guest's cannot be read.
    pub fn of(
        description: &Description,
        image: &GuestImage,
        options: &[String],
        platform: KvmKind,
    ) -> Result<Judged, ResultsError> {
        let options = description.options.iter().chain(options);
        let (kernel, programs) = description.files(image);
        Ok(Judged {
            guest: description.name.as_str().into(),
            kernel: JudgedFile::of_guest(kernel)?,
            programs: JudgedFile::of_guest(programs)?,
            options: options.map(|word| word.as_str().into()).collect(),
            rubric: None,
            ringside: env!("CARGO_PKG_VERSION").into(),
            platform,
        })
    }

    /// The same with files named from this folder on, if they are below it: where it is says nothing about them.
    #[must_use]
    pub fn below(self, folder: &Path) -> Judged {
        let named = |file: JudgedFile| {
            let below = Path::new(file.file.as_str()).strip_prefix(folder);
            JudgedFile {
                file: below.map_or(file.file.clone(), |below| below.display().to_string().into()),
                ..file
            }
        };
        Judged {
            kernel: named(self.kernel),
            programs: named(self.programs),
            ..self
        }
    }

    /// The same without the folders that files are in, which are nobody's business but the owner's.
    #[must_use]
    pub fn without_folders(self) -> Judged {
        let named = |file: JudgedFile| {
            let name = Path::new(file.file.as_str()).file_name().unwrap_or_default();
            JudgedFile {
                file: name.to_string_lossy().into_owned().into(),
                ..file
            }
        };
        Judged {
            kernel: named(self.kernel),
            programs: named(self.programs),
            rubric: self.rubric.map(named),
            ..self
        }
    }

    /// The facts by name, for formats that have a place for such.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let options: Vec<&str> = self.options.iter().map(Printable::as_str).collect();
        let mut facts = vec![
            ("guest", self.guest.to_string()),
            ("kernel", self.kernel.file.to_string()),
            ("kernel-sha256", self.kernel.sha256.to_string()),
            ("programs", self.programs.file.to_string()),
            ("programs-sha256", self.programs.sha256.to_string()),
        ];
        if !options.is_empty() {
            facts.push(("options", options.join(" ")));
        }
        if let Some(rubric) = &self.rubric {
            facts.push(("rubric", rubric.file.to_string()));
            facts.push(("rubric-sha256", rubric.sha256.to_string()));
        }
        facts.push(("ringside", self.ringside.to_string()));
        facts.push(("platform", self.platform.to_string()));
        facts
    }
}

/// All of it on one line.
impl fmt::Display for Judged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Judged {
            guest,
            kernel,
            programs,
            options,
            rubric,
            ringside,
            platform,
        } = self;
        write!(formatter, "{guest}: kernel {kernel}, programs {programs}")?;
        for option in options {
            write!(formatter, ", option {option}")?;
        }
        if let Some(rubric) = rubric {
            write!(formatter, ", rubric {rubric}")?;
        }
        write!(formatter, "; by Ringside {ringside} on {platform}")
    }
}

impl JudgedFile {
    /// A file as it is now.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn at(path: &Path) -> Result<JudgedFile, ResultsError> {
        Self::read(path, Links::Followed)
    }

    /// The same for a file that a stranger may have made: nothing is told of where a link leads.
    ///
    /// # Errors
    /// It cannot be read, or is a link.
    pub fn of_guest(path: &Path) -> Result<JudgedFile, ResultsError> {
        Self::read(path, Links::Refused)
    }

    fn read(path: &Path, links: Links) -> Result<JudgedFile, ResultsError> {
        Ok(JudgedFile {
            file: path.display().to_string().into(),
            sha256: results::sha256(path, links)?.into(),
        })
    }
}

/// Where it was, and the first digits of its hash.
impl fmt::Display for JudgedFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.sha256.get(..SHOWN_DIGITS).unwrap_or(&self.sha256);
        write!(formatter, "{} (sha256 {digits})", self.file)
    }
}
