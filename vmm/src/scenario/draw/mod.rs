//! A scenario drawn at random: other contents in other places, and the same answers.
//!
//! Whoever has a table of a scenario's answers knows nothing of another drawing.

mod contents;
mod places;
#[cfg(test)]
mod tests;

use super::{Scenario, Step};
use contents::Contents;
use places::Places;

/// The steps of a scenario with drawn contents and places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// What they were drawn by: the same seed gives the same ones.
    pub seed: u64,
    /// The steps, in the scenario's order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// From now on its steps are performed with contents, page numbers and sizes that are drawn by `seed`.
    pub fn draw(&mut self, seed: u64) {
        let contents = Contents::new(&self.steps, seed);
        let places = Places::new(&self.steps, seed);
        let mut steps: Vec<Step> = self
            .steps
            .iter()
            .map(|step| contents.step(step.clone()))
            .collect();
        for step in &mut steps {
            places.move_step(step);
        }
        self.drawn = Some(Drawn { seed, steps });
    }

    /// The steps as they are performed; [`Scenario::steps`] are those that are told.
    #[must_use]
    pub fn performed(&self) -> &[Step] {
        self.drawn.as_ref().map_or(&self.steps, |drawn| &drawn.steps)
    }
}
