//! Where the kernel's reports wait: the I/O port that it sends them to.

use std::collections::VecDeque;

use vm_memory::GuestMemoryMmap;

use super::event::{Event, read_event};
use crate::address::PhysAddr;

/// Most bytes of reports that wait to be taken; the oldest make room. That is many times what the busiest step of an
/// honest kernel needs.
const MAX_WAITING_BYTES: usize = 1 << 22;

/// The I/O port for reports. They wait there for two readers: one that looks at each when the machine stands still, and one
/// that takes them away when a step has ended.
#[derive(Default)]
pub struct EventPort {
    waiting: VecDeque<Event>,
    waiting_bytes: usize,
    /// The newest of those that wait, as many as were not looked at.
    unseen: usize,
    lost: u64,
}

impl EventPort {
    /// Reports since this was last called, oldest first.
    pub fn take(&mut self) -> Vec<Event> {
        (self.waiting_bytes, self.unseen) = (0, 0);
        self.waiting.drain(..).collect()
    }

    /// Reports that are new since this was last called, oldest first. They go on waiting.
    pub fn look(&mut self) -> impl Iterator<Item = &Event> {
        let seen = self.waiting.len() - std::mem::take(&mut self.unseen);
        self.waiting.range(seen..)
    }

    /// Reports lost, because the guest sent too many between two calls of [`EventPort::take`].
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The newest report.
    #[must_use]
    pub fn last(&self) -> Option<&Event> {
        self.waiting.back()
    }

    /// Copies the record at `address` out of guest memory and keeps it.
    pub(super) fn report(&mut self, address: PhysAddr, memory: &GuestMemoryMmap) {
        self.add(read_event(address, memory));
    }

    /// Keeps a report that came by another way.
    pub(super) fn add(&mut self, event: Event) {
        self.waiting_bytes += event.size_bytes();
        self.waiting.push_back(event);
        self.unseen += 1;
        while self.waiting_bytes > MAX_WAITING_BYTES {
            let oldest = self.waiting.pop_front();
            self.waiting_bytes -= oldest.map_or(0, |event| event.size_bytes());
            self.unseen = self.unseen.min(self.waiting.len());
            self.lost += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use abi::event::{BOOTED, LOG, MAX_TEXT_BYTES};
    use vm_memory::{Bytes, GuestAddress};

    use super::*;

    /// Memory with a record of this kind, and of a text as long as memory.
    fn memory_with(kind: u32) -> GuestMemoryMmap {
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 0x4000)]).unwrap();
        memory.write_obj(kind, GuestAddress(0x1000)).unwrap();
        memory.write_obj(0x2000_u64, GuestAddress(0x1008)).unwrap();
        memory.write_obj(u64::MAX, GuestAddress(0x1010)).unwrap();
        memory
    }

    #[test]
    fn a_flood_of_reports_loses_the_oldest() {
        let memory = memory_with(BOOTED);
        let most = MAX_WAITING_BYTES / size_of::<Event>();
        let mut port = EventPort::default();
        for _ in 0..most + 3 {
            port.report(PhysAddr(0x1000), &memory);
        }
        assert_eq!(port.lost(), 3);
        assert_eq!(port.look().count(), most);
        assert_eq!(port.take().len(), most);
    }

    #[test]
    fn long_reports_fill_the_room_sooner() {
        let memory = memory_with(LOG);
        let mut port = EventPort::default();
        while port.lost() == 0 {
            port.report(PhysAddr(0x1000), &memory);
        }
        let kept: Vec<Event> = port.take();
        assert!(kept.len() < MAX_WAITING_BYTES / MAX_TEXT_BYTES as usize);
        assert!(kept.iter().map(Event::size_bytes).sum::<usize>() <= MAX_WAITING_BYTES);
    }

    #[test]
    fn a_report_is_looked_at_once_and_waits_until_it_is_taken() {
        let memory = memory_with(BOOTED);
        let mut port = EventPort::default();
        for _ in 0..2 {
            port.report(PhysAddr(0x1000), &memory);
            assert_eq!(port.look().count(), 1);
        }
        assert_eq!(port.look().count(), 0);
        assert_eq!(port.take().len(), 2);
        assert_eq!((port.look().count(), port.last()), (0, None));
    }
}
