//! The clock: a tick interrupts the program that runs, or that program has the processor for as long as it likes.

use super::{Finding, Rule, Scene};

/// An agent asks for its next operation in user mode, so a tick that was raised before has been taken by then.
pub(super) fn audit(scene: &Scene<'_>) -> Option<Finding> {
    let (expected, found) = (
        "a tick is taken before the next operation",
        "it still waits: interrupts are masked",
    );
    scene
        .stop
        .tick_is_pending()
        .then(|| Finding::new(Rule::Clock, "the clock", expected, found))
}
