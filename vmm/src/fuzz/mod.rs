//! Random testing of the shadow page table: sequences of memory operations by a target and its children, and of calls by an
//! inspector, each judged after every step like any other scenario.
//!
//! - `moves`: what a sequence is made of; numbers that mean something in every state, so that any part of a sequence is one
//! - `arena`: the pages on which they work
//! - `script`: moves to the steps of a scenario, with what each must answer
//! - `shorten`: what a sequence can do without
//! - [`workers`]: processes that try seeds at the same time
//!
//! A sequence that breaks a rule is made shorter as long as it still does, and what is left is a scenario: the text of a file that
//! shows the fault to anybody. proptest chooses the moves; its own shrinking takes single moves away, of which each is a boot.

mod arena;
mod moves;
mod script;
mod shorten;
pub mod workers;

use kvm_ioctls::Kvm;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::{Deserialize, Serialize};

use crate::guest::{Exploring, Guest};
use crate::report::{Report, Verdict};
use crate::run::{Template, run};
use crate::scenario::{Scenario, ScenarioName};
use crate::vm::VmError;
use moves::Move;
use shorten::shorten;

/// What to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Decides everything: the same seed tries the same sequence.
    pub seed: u64,
    /// Moves of the sequence; most of them are one step.
    pub moves: usize,
}

/// What came of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Tries sequences on one guest.
pub struct Fuzzer<'a> {
    kvm: &'a Kvm,
    guest: &'a Guest,
    programs: &'a [String],
    /// Of the scenario that is written.
    name: &'a ScenarioName,
    /// The guest after its boot; None where each sequence boots it anew.
    template: Option<Template<'a>>,
}

impl<'a> Fuzzer<'a> {
    /// For a guest with these programs. `name` is that of the scenario that is written when a sequence breaks a rule.
    ///
    /// # Errors
    /// The host cannot run a guest.
    pub fn new(
        kvm: &'a Kvm,
        guest: &'a Guest,
        programs: &'a [String],
        name: &'a ScenarioName,
    ) -> Result<Fuzzer<'a>, VmError> {
        let template = match guest.exploring {
            Exploring::Anew => None,
            Exploring::Branching => {
                let nothing = scenario(name, programs, &[]).1;
                let template =
                    Template::is_for(guest, &nothing).then(|| Template::boot(kvm, guest, &nothing));
                template.transpose()?.filter(Template::can_fork)
            }
        };
        Ok(Fuzzer {
            kvm,
            guest,
            programs,
            name,
            template,
        })
    }

    /// Runs one random sequence, and makes it shorter if it breaks a rule.
    ///
    /// # Errors
    /// The host cannot run a guest.
    pub fn try_one(&mut self, plan: Plan) -> Result<Tried, VmError> {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&plan.seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut source = TestRunner::new_with_rng(Config::default(), rng);
        let tree = proptest::collection::vec(moves::any(), plan.moves)
            .new_tree(&mut source)
            .expect("moves are never rejected");
        let moves = tree.current();

        let (_, report) = self.run(&moves)?;
        if report.verdict == Verdict::Pass {
            return Ok(Tried::Passed {
                steps: report.lines.len(),
            });
        }
        let moves = shorten(moves, |fewer| {
            let (_, report) = self.run(fewer)?;
            Ok::<_, VmError>(report.verdict != Verdict::Pass)
        })?;
        let (text, report) = self.run(&moves)?;
        Ok(Tried::Failed {
            text,
            report: Box::new(report),
        })
    }

    /// The scenario of a sequence as the text of a file, and its report.
    fn run(&mut self, moves: &[Move]) -> Result<(String, Report), VmError> {
        let (text, scenario) = scenario(self.name, self.programs, moves);
        let report = match &mut self.template {
            Some(template) if template.fits(&scenario) => template.run(&scenario)?,
            Some(_) | None => run(self.kvm, self.guest, &scenario)?,
        };
        Ok((text, report))
    }
}

/// The scenario of a sequence, and the text of its file.
fn scenario(name: &ScenarioName, programs: &[String], moves: &[Move]) -> (String, Scenario) {
    let text = script::scenario(name, moves);
    let scenario = Scenario::parse(&format!("{name}.json"), &text, programs)
        .unwrap_or_else(|errors| panic!("a sequence gives a sound scenario: {errors:?}\n{text}"));
    (text, scenario)
}
