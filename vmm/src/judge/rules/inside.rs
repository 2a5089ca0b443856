//! While programs run, users keep out of the kernel's memory and out of each other's, as they do after each step.

use super::{StandingRule, View, user_half};
use crate::finding::Finding;
use crate::inspect::Findings;
use crate::inspect::audit::UserFinding;
use crate::moments::Seen;
use crate::promise::Promise;
use crate::rule::Rule;
use crate::vm::VmError;

/// Keeps what was seen at moments within steps.
#[derive(Debug, Default)]
pub(super) struct Inside {
    seen: Findings<UserFinding>,
}

impl StandingRule for Inside {
    fn needs(&self) -> &'static [(Rule, Promise)] {
        &[
            (Rule::Inside, Promise::Switches),
            (Rule::Inside, Promise::FrameAccount),
        ]
    }

    fn note_moments(&mut self, seen: &mut Seen) {
        self.seen.append(std::mem::take(&mut seen.programs));
    }

    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        Ok(user_half::tell(
            &std::mem::take(&mut self.seen),
            view.scene,
            view.names,
        ))
    }
}
