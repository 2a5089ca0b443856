//! What a program prints is printed while the page table in use maps that program.

use super::{StandingRule, View};
use crate::finding::Finding;
use crate::promise::Promise;
use crate::rule::Rule;
use crate::vm::{Misprint, VmError};

/// Remembers nothing: the machine does.
#[derive(Debug, Default)]
pub(super) struct Printer;

impl StandingRule for Printer {
    fn needs(&self) -> &'static [(Rule, Promise)] {
        &[(Rule::ProgramOutput, Promise::Output)]
    }

    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let wrong = view.scene.stop.misprints();
        let of_others = wrong.filter(|(_, misprint)| *misprint == Misprint::OtherCode);
        let findings = of_others.map(|(program, misprint)| {
            let expected = "printed while the page table in use maps the program's code";
            Finding::new(Rule::ProgramOutput, program, expected, misprint.to_string())
        });
        Ok(findings.collect())
    }
}
