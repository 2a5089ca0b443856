//! What things were like at some moment, to compare with later.

use std::collections::{BTreeMap, BTreeSet};

use super::account::Account;
use super::scene::{Mapping, Scene};
use crate::channel::Channel;
use crate::model::PageNumber;

/// What expectations compare with.
#[derive(Default)]
pub(super) struct Moment {
    /// Processes that are there.
    pub(super) processes: BTreeSet<Channel>,
    /// Where each modelled page is that its process can reach.
    pub(super) pages: BTreeMap<(Channel, PageNumber), Mapping>,
    /// Free frames, if the kernel tells.
    pub(super) free_frames: Option<u64>,
}

impl Moment {
    /// This one.
    pub(super) fn of(scene: &Scene<'_>, account: &Account) -> Moment {
        let memory = scene.memory();
        let pages = scene.agents.alive().flat_map(|(agent, root)| {
            let process = agent.channel;
            let mapping = move |number| Some(((process, number), Mapping::of(memory, root, number)?));
            scene
                .model
                .pages(process)
                .filter_map(move |(number, _)| mapping(number))
        });
        Moment {
            processes: scene.agents.alive().map(|(agent, _)| agent.channel).collect(),
            pages: pages.collect(),
            free_frames: account.free_frames(memory),
        }
    }
}
