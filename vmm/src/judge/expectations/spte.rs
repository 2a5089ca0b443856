//! What an entry of the shadow page table says.

use abi::PAGE_SIZE;

use super::{Look, unlike};
use crate::drive::Agent;
use crate::finding::Finding;
use crate::judge::rules::shadow_table::flags_of;
use crate::judge::scene::Scene;
use crate::scenario::{ProcessAddress, SpteFlag};

/// The expectation that the entry of a page has exactly these flags.
pub(super) fn entry(at: &ProcessAddress, wanted: &[SpteFlag], scene: &Scene<'_>) -> Look {
    let place = at.to_string();
    let agent = scene.agents.named(at.process.as_str());
    let is_target = |agent: &&Agent| {
        let table = scene.model.shadow_table();
        table.is_some_and(|table| table.target == agent.channel)
    };
    let target = agent.filter(is_target).map(|agent| agent.channel);
    let address = target.and_then(|target| scene.regions.address(target, &at.place));
    let Some(found) = address.and_then(|address| flags_of(scene, address.0 / PAGE_SIZE)) else {
        let found = "no shadow page table that can be seen has one";
        return Err(Finding::missing(place, "an entry", found));
    };
    if wanted.len() == found.len() && wanted.iter().all(|flag| found.contains(flag)) {
        return Ok(String::new());
    }
    let words = |flags: &[SpteFlag]| match flags {
        [] => "nothing".to_owned(),
        flags => flags
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "),
    };
    Err(unlike(place, words(wanted), words(&found)))
}
