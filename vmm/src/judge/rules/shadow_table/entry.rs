//! An entry of the table, as it stands in memory.

use abi::PAGE_SIZE;
use abi::shadowpt::{ENTRY_BYTES, SPTE_PTE_MAPPED, SPTE_VADDR_ALLOCATED, SPTE_VADDR_ANONYMOUS};

use crate::address::{FrameNumber, VirtAddr};
use crate::inspect::walk::{Root, translate};
use crate::judge::names::Names;
use crate::judge::scene::Scene;
use crate::model::ShadowTable;
use crate::scenario::SpteFlag;

/// The bits of an entry's flags, lowest first.
const FLAGS: [(u64, SpteFlag); 3] = [
    (SPTE_VADDR_ALLOCATED, SpteFlag::Allocated),
    (SPTE_VADDR_ANONYMOUS, SpteFlag::Anonymous),
    (SPTE_PTE_MAPPED, SpteFlag::Mapped),
];

/// An entry as it stands in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) vaddr: u64,
    pub(super) pfn: u64,
    pub(super) flags: u64,
}

impl Entry {
    /// The entry with this index, as the inspector sees it; None where its window has another page, or none.
    pub(super) fn read(scene: &Scene<'_>, table: &ShadowTable, inspector: Root, index: u64) -> Option<Entry> {
        let mut words = [0; 3];
        for (word, offset) in words.iter_mut().zip((0..ENTRY_BYTES).step_by(8)) {
            let address = table.entries.checked_add(index * ENTRY_BYTES + offset)?;
            if !scene
                .model
                .shows_shadow_table(table.inspector, address.0 / PAGE_SIZE)
            {
                return None;
            }
            let found = translate(scene.memory(), inspector, address).ok()?;
            *word = scene.memory().read_u64(found.address).ok()?;
        }
        let [vaddr, pfn, flags] = words;
        Some(Entry { vaddr, pfn, flags })
    }

    /// The entry in words, for the page at `vaddr`.
    pub(super) fn words(self, vaddr: u64, names: &mut Names) -> String {
        let mut words: Vec<String> = named(self.flags).map(|flag| flag.to_string()).collect();
        let unknown = FLAGS.iter().fold(self.flags, |flags, (bit, _)| flags & !bit);
        if unknown != 0 {
            words.push(format!("unknown flags {unknown:#x}"));
        }
        if words.is_empty() {
            words.push("nothing".to_owned());
        }
        if self.pfn != 0 {
            words.push(format!("on {}", names.frame(FrameNumber(self.pfn))));
        }
        if self.vaddr != vaddr {
            words.push(format!("of address {}", VirtAddr(self.vaddr)));
        }
        words.join(" ")
    }
}

/// Those of the flags that have a name.
pub(super) fn named(flags: u64) -> impl Iterator<Item = SpteFlag> {
    FLAGS
        .into_iter()
        .filter(move |(bit, _)| flags & bit != 0)
        .map(|(_, flag)| flag)
}
