//! `vmm language`: the scenario language as a document.

use std::path::{Path, PathBuf};

use clap::Args;
use vmm::manual::{Manual, Source};
use vmm::scenario::{self, Scenario};

use super::{Shown, Status, parse_all, print_line, show, show_diagnostic};

/// Where scenarios lie when nobody says where: those that are shipped, and those that show what none of them does.
const SCENARIOS: [&str; 2] = ["scenarios", "examples/language"];

/// Where examples are from.
#[derive(Args)]
#[command(after_help = "\
Examples:
  vmm language > docs/language.md     the reference, with examples from this project's scenarios
  vmm language | less                 to read")]
pub(super) struct LanguageArgs {
    /// Scenario files, or folders of them, to take examples from.
    #[arg(default_values = SCENARIOS)]
    paths: Vec<PathBuf>,
}

/// Prints everything that there is in the language. What no scenario shows is told instead.
pub(super) fn language(args: &LanguageArgs) -> Result<Status, Shown> {
    let files = scenario::collect(&args.paths).map_err(show_diagnostic)?;
    let scenarios = parse_all(&files, Scenario::parse_for_any_image)?;
    let sources = files.iter().zip(&scenarios);
    let sources: Vec<Source<'_>> = sources
        .map(|(file, (text, scenario))| Source { file, text, scenario })
        .collect();
    let manual = Manual::of(&sources).map_err(|problems| {
        for problem in problems {
            show(&problem);
        }
        Shown(Status::UnusableInput)
    })?;
    print_line(&manual.markdown(&args.command()))?;
    Ok(Status::Passed)
}

impl LanguageArgs {
    /// The command line that asks for the same.
    fn command(&self) -> String {
        let is_usual = self.paths.iter().eq(SCENARIOS.map(Path::new));
        let paths = self.paths.iter().filter(|_| !is_usual);
        let paths = paths.map(|path| format!(" {}", path.display()));
        ["vmm language".to_owned()].into_iter().chain(paths).collect()
    }
}
