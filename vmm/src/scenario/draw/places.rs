//! Page numbers and sizes drawn at random.
//!
//! A region gets pages in front of those that the scenario speaks of, and pages behind them, which no step touches: so its size is another
//! one, and so is the number of each page. That is done where nobody can tell the difference by the answers:
//!
//! - The region is anonymous memory for which the kernel chooses the place, each time that the name is given.
//! - It is not where a shadow page table is seen, whose length counts, and no shadowed range reaches from it to another region.
//! - The scenario does not count free frames: in another place the region may need one page table more.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Expectation, Operation, OperationStep, RegionAddress, RegionName, Step};
use crate::draws::splitmix64;

/// Most pages on each side.
const MOST_PAGES: u64 = 6;

/// Regions that are longer stay as they are: somebody wants to see what does not fit.
const LONGEST_REGION_PAGES: u64 = 4096;

/// What each region gets that can have it.
pub(super) struct Places(BTreeMap<RegionName, Margins>);

/// Pages that no step touches.
#[derive(Clone, Copy)]
struct Margins {
    /// In front of the region's own.
    front_pages: u64,
    /// Behind them.
    back_pages: u64,
}

impl Places {
    /// Those of `steps`, drawn by `seed`.
    pub(super) fn new(steps: &[Step], seed: u64) -> Self {
        let mut state = seed;
        let mut draw = || splitmix64(&mut state) % (MOST_PAGES + 1);
        let margins = movable(steps).into_iter().map(|region| {
            let margins = Margins {
                front_pages: draw(),
                back_pages: draw(),
            };
            (region, margins)
        });
        Self(margins.collect())
    }

    /// Has the step speak of the same pages by their drawn numbers.
    pub(super) fn move_step(&self, step: &mut Step) {
        match step {
            Step::Operation(OperationStep { operation, .. }) => {
                if let Operation::Mmap {
                    region,
                    pages: Some(pages),
                    ..
                } = operation
                    && let Some(margins) = self.0.get(region)
                {
                    *pages += margins.front_pages + margins.back_pages;
                }
                for place in operation.places_mut() {
                    self.move_place(place);
                }
            }
            Step::Check(check) => {
                for expectation in &mut check.expect {
                    if let Expectation::Dirtied { region, pages } = expectation
                        && let Some(margins) = self.0.get(&region.region)
                    {
                        pages.iter_mut().for_each(|page| *page += margins.front_pages);
                    }
                    for place in expectation.places_mut() {
                        self.move_place(place);
                    }
                }
            }
            Step::Tick(_) | Step::Fail(_) => {}
        }
    }

    fn move_place(&self, place: &mut RegionAddress) {
        if let Some(margins) = self.0.get(&place.region) {
            place.pages += margins.front_pages;
        }
    }
}

/// The regions that can have another size and other page numbers.
fn movable(steps: &[Step]) -> BTreeSet<RegionName> {
    if steps.iter().flat_map(Step::expectations).any(counts_frames) {
        return BTreeSet::new();
    }
    let (mut mapped, mut fixed) = (BTreeSet::new(), BTreeSet::new());
    for step in steps {
        let Step::Operation(step) = step else { continue };
        match &step.operation {
            Operation::Mmap {
                region,
                pages,
                at,
                file,
                ..
            } => {
                let is_long = !pages.is_some_and(|pages| (1..=LONGEST_REGION_PAGES).contains(&pages));
                if at.is_some() || file.is_some() || is_long {
                    fixed.insert(region.clone());
                }
                mapped.insert(region.clone());
            }
            Operation::TouchStack { region, .. } | Operation::StackRoom { region, .. } => {
                fixed.insert(region.clone());
            }
            Operation::ShadowptOpen {
                from, to, entries, ..
            } => {
                fixed.insert(entries.region.clone());
                if from.region != to.region {
                    fixed.extend([from.region.clone(), to.region.clone()]);
                }
            }
            _ => {}
        }
    }
    mapped.retain(|region| !fixed.contains(region));
    mapped
}

fn counts_frames(expectation: &Expectation) -> bool {
    matches!(
        expectation,
        Expectation::FreeFrames { .. } | Expectation::Loaded(_)
    )
}
