//! `vmm clauses`: what scenarios show of a specification, as a document.

use std::path::{Path, PathBuf};

use clap::Args;
use vmm::clauses::Catalogue;
use vmm::scenario::{self, Scenario};

use super::{Shown, Status, parse_all, print_line, show, show_diagnostic};

/// Where scenarios lie when nobody says where.
const SCENARIOS: &str = "scenarios";

/// Which clauses to list.
#[derive(Args)]
pub(super) struct ClausesArgs {
    /// Scenario files, or folders of them.
    #[arg(default_value = SCENARIOS)]
    paths: Vec<PathBuf>,
    /// List the clauses of this family alone, such as `OPEN` for `OPEN-1` and its like. Can be given again.
    #[arg(long = "family", value_name = "NAME")]
    families: Vec<String>,
}

/// Prints every clause with the steps that show it. Clauses that contradict each other, or leave a number out, are told
/// instead.
pub(super) fn clauses(args: &ClausesArgs) -> Result<Status, Shown> {
    let files = scenario::collect(&args.paths).map_err(show_diagnostic)?;
    let scenarios = parse_all(&files, Scenario::parse_for_any_image)?;
    let scenarios = scenarios.iter().map(|(_, scenario)| scenario);
    let sources = files.iter().map(PathBuf::as_path).zip(scenarios);
    let mut catalogue = Catalogue::of(sources).map_err(|problems| {
        for problem in problems {
            show(&problem);
        }
        Shown(Status::UnusableInput)
    })?;
    if catalogue.is_empty() {
        eprintln!("error: no step of these scenarios has a clause");
        return Err(Shown(Status::UnusableInput));
    }
    if !args.families.is_empty() {
        catalogue = catalogue.only(&args.families).map_err(|error| show(&error))?;
    }
    print_line(&catalogue.markdown(&args.command()))?;
    Ok(Status::Passed)
}

impl ClausesArgs {
    /// The command line that asks for the same.
    fn command(&self) -> String {
        let paths = self.paths.iter().filter(|path| *path != Path::new(SCENARIOS));
        let paths = paths.map(|path| format!(" {}", path.display()));
        let families = self.families.iter().map(|family| format!(" --family {family}"));
        ["vmm clauses".to_owned()]
            .into_iter()
            .chain(paths)
            .chain(families)
            .collect()
    }
}
