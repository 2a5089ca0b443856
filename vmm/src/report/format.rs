//! Which forms there are, and who writes each.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use super::text::{Detail, KernelLog, TextReader};
use super::told::AtEnd;
use super::{github, gradescope, html, json, jsonl, junit, ktap, markdown};
use crate::guest::Record;
use crate::journal::{Entry, Reader, tell_run};
use crate::report::Report;
use crate::report::text::Colour;

macro_rules! formats {
    ($($(#[doc = $doc:literal])* $format:ident: $name:literal;)*) => {
        /// A form in which is told what happens.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Format {
            $($(#[doc = $doc])* $format,)*
        }

        impl Format {
            /// Every form.
            pub const ALL: &[Format] = &[$(Format::$format),*];

            /// Its name on the command line.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Format::$format => $name,)* }
            }

            /// What it is for, in a line.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Format::$format => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

formats! {
    /// For people at a terminal.
    Text: "text";
    /// For programs: one object with everything, at the end.
    Json: "json";
    /// For programs: one object a line, for each thing that happens.
    Jsonl: "jsonl";
    /// KTAP, as the tests of the Linux kernel print it: scenarios, their steps, and the expectations of checks.
    Ktap: "ktap";
    /// JUnit XML, for engines of continuous integration: a suite a scenario, a case a step.
    Junit: "junit";
    /// Gradescope's results.json, for one submission.
    Gradescope: "gradescope";
    /// GitHub Actions: annotations; a job summary and a result for GitHub Classroom where the engine wants them.
    Github: "github";
    /// Markdown, for comments and summaries.
    Markdown: "markdown";
    /// One page for a browser, without network: steps, findings, and pictures of memory.
    Html: "html";
}

/// A text that names no form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no format of a report; there are {}", names())]
pub struct NoSuchFormat {
    /// The text.
    pub found: String,
}

fn names() -> String {
    let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
    names.join(", ")
}

impl FromStr for Format {
    type Err = NoSuchFormat;

    fn from_str(text: &str) -> Result<Format, NoSuchFormat> {
        let format = Format::ALL.iter().find(|format| format.name() == text);
        format.copied().ok_or_else(|| NoSuchFormat {
            found: text.to_owned(),
        })
    }
}

impl Format {
    /// What it shows that is to be recorded in each run.
    #[must_use]
    pub fn needs(self) -> Record {
        match self {
            Format::Html => Record::MEMORY,
            Format::Text
            | Format::Json
            | Format::Jsonl
            | Format::Ktap
            | Format::Junit
            | Format::Gradescope
            | Format::Github
            | Format::Markdown => Record::NOTHING,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What forms can be told of how they are to look.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether text may have colours.
    pub colour: Colour,
    /// How much of a run text tells.
    pub detail: Detail,
    /// Whether it tells what the kernel logged.
    pub log: KernelLog,
}

/// Whoever tells what happens to `out` in a form.
#[must_use]
pub fn reader<'a>(format: Format, style: Style, out: impl Write + 'a) -> Box<dyn Reader + 'a> {
    match format {
        Format::Text => Box::new(TextReader::new(style, out)),
        Format::Json => Box::new(AtEnd::new(out, json::render)),
        Format::Jsonl => Box::new(jsonl::Jsonl::new(out)),
        Format::Ktap => Box::new(ktap::Ktap::new(out)),
        Format::Junit => Box::new(AtEnd::new(out, junit::render)),
        Format::Gradescope => Box::new(AtEnd::new(out, gradescope::render)),
        Format::Github => Box::new(github::Github::new(out)),
        Format::Markdown => Box::new(AtEnd::new(out, markdown::render)),
        Format::Html => Box::new(AtEnd::new(out, html::render)),
    }
}

/// What is told in a form of runs that have ended, as of one call: in full, without colours and without what kernels logged.
///
/// # Errors
/// As [`Reader::read`].
pub fn written(format: Format, reports: &[Report]) -> io::Result<String> {
    let style = Style {
        colour: Colour::Plain,
        detail: Detail::Full,
        log: KernelLog::Untold,
    };
    let mut out = Vec::new();
    {
        let mut reader = reader(format, style, &mut out);
        reader.read(Entry::Began {
            expected: reports.len(),
        })?;
        for report in reports {
            tell_run(report, &mut *reader)?;
        }
        reader.read(Entry::Ended { interrupted: false })?;
    }
    String::from_utf8(out).map_err(io::Error::other)
}

/// Several that are told the same.
#[derive(Default)]
pub struct Readers<'a> {
    readers: Vec<Box<dyn Reader + 'a>>,
}

impl<'a> Readers<'a> {
    /// One more.
    pub fn push(&mut self, reader: Box<dyn Reader + 'a>) {
        self.readers.push(reader);
    }
}

impl Reader for Readers<'_> {
    fn read(&mut self, entry: Entry<'_>) -> io::Result<()> {
        self.readers.iter_mut().try_for_each(|reader| reader.read(entry))
    }
}
