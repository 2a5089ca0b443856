//! The clock: a tick interrupts the program that runs, or that program has the processor for as long as it likes.

use super::{StandingRule, View};
use crate::finding::Finding;
use crate::promise::Promise;
use crate::rule::Rule;
use crate::vm::VmError;

/// Remembers nothing.
#[derive(Debug, Default)]
pub(super) struct Ticks;

impl StandingRule for Ticks {
    fn needs(&self) -> &'static [(Rule, Promise)] {
        &[(Rule::Clock, Promise::VirtualClock)]
    }

    /// An agent asks for its next operation in user mode, so a tick that was raised before has been taken by then.
    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        if !view.scene.stop.tick_is_pending() {
            return Ok(Vec::new());
        }
        let expected = "a tick is taken before the next operation";
        let found = "it still waits: interrupts are masked";
        Ok(vec![Finding::new(Rule::Clock, "the clock", expected, found)])
    }
}
