//! Random testing of the shadow page table: sequences of memory operations by a target and its children, and of calls by an
//! inspector, each judged after every step like any other scenario.
//!
//! - `moves`: what a sequence is made of; numbers that mean something in every state, so that any part of a sequence is one
//! - `script`: moves to the steps of a scenario, with what each must answer
//!
//! A sequence that breaks a rule is made shorter as long as it still does (proptest's shrinking), and what is left is a scenario:
//! the text of a file that shows the fault to anybody.

mod moves;
mod script;

use std::cell::{Cell, RefCell};

use kvm_ioctls::Kvm;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::report::{Report, Verdict};
use crate::run::{Guest, run};
use crate::scenario::{Scenario, ScenarioName};
use crate::vm::VmError;
use moves::Move;

/// Most runs that are spent on making a sequence shorter.
const MAX_SHRINK_RUNS: u32 = 400;

/// What to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Decides everything: the same seed tries the same sequence.
    pub seed: u64,
    /// Moves of the sequence on average; most moves are one step.
    pub moves: usize,
}

/// What came of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// Nothing wrong in so many steps.
    Passed {
        /// Steps of the scenario that was made of the sequence.
        steps: usize,
    },
    /// The shortest sequence that was found to break a rule, as a scenario.
    Failed {
        /// The scenario's file.
        text: String,
        /// What is to be thought of it.
        report: Box<Report>,
    },
}

/// Runs one random sequence, and makes it shorter if it breaks a rule. `name` is that of the scenario.
///
/// # Errors
/// The host cannot run a guest.
pub fn try_one(
    kvm: &Kvm,
    guest: &Guest<'_>,
    programs: &[String],
    name: &ScenarioName,
    plan: Plan,
) -> Result<Tried, VmError> {
    let config = Config {
        cases: 1,
        failure_persistence: None,
        max_shrink_iters: MAX_SHRINK_RUNS,
        ..Config::default()
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&plan.seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let host_error = RefCell::new(None);
    let steps = Cell::new(0);
    // No shortest length: what is not needed can go.
    let sequence = proptest::collection::vec(moves::any(), 0..=2 * plan.moves);
    let tried = runner.run(&sequence, |moves| {
        match run_moves(kvm, guest, programs, name, &moves) {
            Ok((_, report)) if report.verdict == Verdict::Pass => {
                steps.set(report.lines.len());
                Ok(())
            }
            Ok(_) => Err(TestCaseError::fail("a rule is broken")),
            Err(error) => {
                host_error.borrow_mut().get_or_insert(error);
                Err(TestCaseError::reject("the host failed"))
            }
        }
    });
    if let Some(error) = host_error.into_inner() {
        return Err(error);
    }
    match tried {
        Err(TestError::Fail(_, moves)) => {
            let (text, report) = run_moves(kvm, guest, programs, name, &moves)?;
            Ok(Tried::Failed {
                text,
                report: Box::new(report),
            })
        }
        Ok(()) | Err(TestError::Abort(_)) => Ok(Tried::Passed { steps: steps.get() }),
    }
}

/// The scenario of a sequence, and its report.
fn run_moves(
    kvm: &Kvm,
    guest: &Guest<'_>,
    programs: &[String],
    name: &ScenarioName,
    moves: &[Move],
) -> Result<(String, Report), VmError> {
    let text = script::scenario(name, moves);
    let scenario = Scenario::parse(&format!("{name}.json"), &text, programs)
        .unwrap_or_else(|errors| panic!("a sequence gives a sound scenario: {errors:?}\n{text}"));
    let report = run(kvm, guest, &scenario)?;
    Ok((text, report))
}
