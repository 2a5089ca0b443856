//! Which process has which top page table, by the kernel's reports. Claims.

use std::collections::BTreeMap;

use crate::channel::Event;
use crate::inspect::walk::Root;

/// Most processes that are kept track of.
const MAX_PROCESSES: usize = 1 << 12;

/// The top page table of each process.
#[derive(Debug, Default)]
pub(crate) struct ProcessRoots {
    alive: BTreeMap<u32, Root>,
    /// Those of processes that were reported as ended, as long as no other process has them.
    ended: BTreeMap<Root, u32>,
}

impl ProcessRoots {
    /// Takes note of an event. False when there is no room for what it tells.
    pub(crate) fn note(&mut self, event: &Event) -> bool {
        match *event {
            Event::Created { pid, page_table, .. } | Event::Executed { pid, page_table } => {
                let root = Root::from_cr3(page_table.0);
                self.ended.remove(&root);
                let has_room = self.alive.len() < MAX_PROCESSES || self.alive.contains_key(&pid);
                if has_room {
                    self.alive.insert(pid, root);
                }
                has_room
            }
            Event::Exited { pid, .. } => {
                if let Some(root) = self.alive.remove(&pid)
                    && self.ended.len() < MAX_PROCESSES
                {
                    self.ended.insert(root, pid);
                }
                true
            }
            _ => true,
        }
    }

    /// Processes that have not been reported as ended, by their numbers.
    pub(crate) fn alive(&self) -> impl Iterator<Item = (u32, Root)> {
        self.alive.iter().map(|(pid, root)| (*pid, *root))
    }

    /// The process that has this page table, if it was reported as ended.
    pub(crate) fn ended_with(&self, root: Root) -> Option<u32> {
        self.ended.get(&root).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::PhysAddr;

    fn created(pid: u32, page_table: u64) -> Event {
        Event::Created {
            pid,
            parent: 1,
            page_table: PhysAddr(page_table),
        }
    }

    #[test]
    fn an_ended_process_keeps_its_page_table_until_another_has_it() {
        let root = Root::from_cr3(0x5000);
        let mut roots = ProcessRoots::default();
        assert!(roots.note(&created(7, 0x5000)));
        assert_eq!(
            (roots.alive().next(), roots.ended_with(root)),
            (Some((7, root)), None)
        );
        roots.note(&Event::Exited { pid: 7, status: 0 });
        assert_eq!((roots.alive().next(), roots.ended_with(root)), (None, Some(7)));
        roots.note(&created(8, 0x5000));
        assert_eq!(roots.ended_with(root), None);
    }

    #[test]
    fn what_there_is_no_room_for_is_told() {
        let mut roots = ProcessRoots::default();
        let room = (1..=MAX_PROCESSES as u32).all(|pid| roots.note(&created(pid, 0x1000)));
        assert!(room && !roots.note(&created(u32::MAX, 0x1000)));
        assert!(roots.note(&created(1, 0x2000)), "who is known is known");
    }
}
