//! Whether the parts of a scenario fit together: names are defined before their use, addresses lie in their regions,
//! processes that act are there, and sizes make sense.
//!
//! The steps are followed in their order with a [`World`](world::World) that knows which processes and regions there are,
//! and nothing of what memory holds: that is for the run to find out.

mod clauses;
mod document;
mod error;
mod expectations;
mod memory;
mod operations;
mod processes;
mod shadowpt;
mod waiting;
mod world;

pub(super) use error::CheckError;

use self::world::World;
use super::language::{FailStep, Scenario, Step};
use super::path::Path;

/// What a scenario must agree with that is not in its text.
pub(super) struct Surroundings<'a> {
    /// The file's path.
    pub(super) source_name: &'a str,
    /// Programs of the guest image; None when it may have any.
    pub(super) programs: Option<&'a [String]>,
}

impl Surroundings<'_> {
    /// Whether the guest image is known to have no program of this name.
    fn lack(&self, program: &str) -> bool {
        self.programs
            .is_some_and(|programs| !programs.iter().any(|known| known == program))
    }

    fn known_programs(&self) -> Vec<String> {
        self.programs.unwrap_or_default().to_vec()
    }
}

/// Something that does not fit, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) path: Path,
    pub(super) error: CheckError,
}

/// Everything that does not fit, in the order of the script.
pub(super) fn check(scenario: &Scenario, surroundings: &Surroundings<'_>) -> Vec<Finding> {
    let mut findings = Findings::default();
    document::check(scenario, surroundings, &mut findings);
    clauses::check(scenario, &mut findings);
    let mut world = World::new(scenario);
    for (index, step) in scenario.steps.iter().enumerate() {
        let path = Path::default().key(super::parse::STEPS).index(index);
        world.step = index;
        match step {
            Step::Operation(step) => operations::check(step, &path, surroundings, &mut world, &mut findings),
            Step::Tick(step) => waiting::tick(*step, &path, &mut world, &mut findings),
            Step::Check(step) => expectations::check(step, &path, &mut world, &mut findings),
            Step::Fail(step) => fail(*step, &path, &world, &mut findings),
        }
        trace(scenario, index, &path, &mut findings);
    }
    waiting::at_end(&world, &mut findings);
    findings.0
}

fn fail(step: FailStep, path: &Path, world: &World, findings: &mut Findings) {
    findings.keep(&path.key("fail"), world.disk());
    let nth = document::in_range("the number of the request", step.nth, 1, u64::MAX);
    findings.keep(&path.key("nth"), nth);
}

/// A record is of a step in which the guest runs, and has a name of its own.
fn trace(scenario: &Scenario, index: usize, path: &Path, findings: &mut Findings) {
    let Some(name) = &scenario.step_traces[index] else {
        return;
    };
    let path = path.key(super::parse::TRACE);
    if let Step::Check(_) | Step::Fail(_) = scenario.steps[index] {
        findings.add(path, CheckError::NothingToTrace);
    } else if scenario.step_traces[..index].contains(&Some(name.clone())) {
        let found = name.to_string();
        findings.add(path, CheckError::TraceTwice { found });
    }
}

/// Collects findings, so that one does not hide the next.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, path: Path, error: CheckError) {
        self.0.push(Finding { path, error });
    }

    /// The value, unless there is none because of a finding.
    fn keep<T>(&mut self, path: &Path, result: Result<T, CheckError>) -> Option<T> {
        result.map_err(|error| self.add(path.clone(), error)).ok()
    }
}
