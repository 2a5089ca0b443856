//! The judge itself: its page walk must lead where KVM's does.

use std::collections::BTreeMap;

use super::{StandingRule, View, told};
use crate::finding::Finding;
use crate::inspect::cross_check::{cross_check, samples};
use crate::rule::Rule;
use crate::vm::VmError;

/// Addresses on which both walks are compared, after each step.
const CROSS_CHECKED_ADDRESSES: usize = 8;

/// Remembers nothing.
#[derive(Debug, Default)]
pub(super) struct PageWalk;

impl StandingRule for PageWalk {
    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let scene = &mut view.scene;
        let root = scene.stop.root()?;
        let of_kernel = scene.stop.kernel_landmarks(root, view.effort);
        let memory = scene.memory();
        let asked = samples(memory, root, &of_kernel, CROSS_CHECKED_ADDRESSES, view.effort);
        let answers = asked
            .into_iter()
            .map(|address| Ok((address, scene.stop.kvm_translate(address)?)))
            .collect::<Result<BTreeMap<_, _>, VmError>>()?;
        let found = cross_check(memory, root, answers.keys().copied(), |address| answers[&address]);
        Ok(told(&found, Rule::Walker, "page walks", |disagreement| {
            Finding::new(
                Rule::Walker,
                "page walk",
                "the same translation as KVM's",
                disagreement.to_string(),
            )
        }))
    }
}
