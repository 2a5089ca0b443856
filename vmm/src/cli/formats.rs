//! Which reports are written, and where to: the same for every command that tells of runs or grades.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use vmm::guest::Record;
use vmm::report::text::{Colour, Detail, KernelLog};
use vmm::report::{Format, NoSuchFormat, Readers, Style, reader};

use super::output::StandardOutput;
use super::{Shown, Status};

/// Forms of a report.
#[derive(Args)]
pub(super) struct FormatArgs {
    /// How to report on standard output.
    #[arg(long, value_parser = formats(), default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Write one more report to a file, in any of the formats. May be given more than once.
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    reports: Vec<ReportFile>,
}

fn formats() -> impl TypedValueParser<Value = Format> {
    let formats = Format::ALL.iter();
    let values = formats.map(|format| PossibleValue::new(format.name()).help(format.about()));
    PossibleValuesParser::new(values).try_map(|name| name.parse::<Format>())
}

/// A report in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ReportFile {
    format: Format,
    path: PathBuf,
}

#[derive(Debug, thiserror::Error)]
enum ReportFileError {
    #[error("expected FORMAT=FILE, as in `junit=report.xml`")]
    NoFile,
    #[error(transparent)]
    Format(#[from] NoSuchFormat),
}

impl FromStr for ReportFile {
    type Err = ReportFileError;

    fn from_str(text: &str) -> Result<ReportFile, ReportFileError> {
        let (format, path) = text.split_once('=').ok_or(ReportFileError::NoFile)?;
        let format = format.parse()?;
        if path.is_empty() {
            return Err(ReportFileError::NoFile);
        }
        Ok(ReportFile {
            format,
            path: path.into(),
        })
    }
}

impl FormatArgs {
    /// What is to be recorded of each run, for one of the formats to show it.
    pub(super) fn needs(&self) -> Record {
        let others = self.reports.iter().map(|report| report.format);
        let needs = others.map(Format::needs).find(|needs| *needs != Record::NOTHING);
        needs.unwrap_or(self.format.needs())
    }

    /// Refuses forms that are about one submission when there are others than one.
    pub(super) fn check_submissions(&self, submissions: usize) -> Result<(), Shown> {
        let mut formats = self
            .reports
            .iter()
            .map(|report| report.format)
            .chain([self.format]);
        let is_about_one = |format: &Format| match format {
            Format::Gradescope => true,
            Format::Text
            | Format::Json
            | Format::Jsonl
            | Format::Ktap
            | Format::Junit
            | Format::Github
            | Format::Markdown
            | Format::Html => false,
        };
        match formats.find(is_about_one) {
            Some(format) if submissions != 1 => {
                eprintln!(
                    "error: a report as {format} is about one submission, and {submissions} are to be graded; \
                     `--out DIR` writes one for each of them"
                );
                Err(Shown(Status::UnusableInput))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whoever tells what happens, on standard output and to files. The files are made here, before anything is run.
    pub(super) fn readers(&self, detail: Detail, log: KernelLog) -> Result<Readers<'static>, Shown> {
        let mut readers = Readers::default();
        let style = |colour| Style { colour, detail, log };
        readers.push(reader(self.format, style(colour()), StandardOutput));
        for (index, ReportFile { format, path }) in self.reports.iter().enumerate() {
            if self.reports[..index].iter().any(|other| other.path == *path) {
                eprintln!(
                    "error: two reports would be written to {}; give each a file of its own",
                    path.display()
                );
                return Err(Shown(Status::UnusableInput));
            }
            let file = File::create(path).map_err(|error| {
                eprintln!("error: cannot write the report {}: {error}", path.display());
                Shown(Status::UnusableInput)
            })?;
            readers.push(reader(*format, style(Colour::Plain), BufWriter::new(file)));
        }
        Ok(readers)
    }
}

/// Colours on a terminal, unless the user asks for none (<https://no-color.org>).
pub(super) fn colour() -> Colour {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if io::stdout().is_terminal() && !refused {
        Colour::Ansi
    } else {
        Colour::Plain
    }
}
