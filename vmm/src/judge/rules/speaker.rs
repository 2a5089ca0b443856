//! Who asks for operations is an agent: its program, in user mode, with the page table that the judge looks at.

use super::{StandingRule, View};
use crate::finding::Finding;
use crate::rule::Rule;
use crate::vm::VmError;

/// Remembers nothing: the machine does.
#[derive(Debug, Default)]
pub(super) struct Speaker;

impl StandingRule for Speaker {
    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let scene = &view.scene;
        let findings = scene.stop.impostures().map(|(channel, imposture)| {
            let expected = "asked for by the agent's program, in user mode, by one page table";
            Finding::new(
                Rule::Speaker,
                format!("an operation of {}", scene.process(channel)),
                expected,
                imposture.to_string(),
            )
        });
        Ok(findings.collect())
    }
}
