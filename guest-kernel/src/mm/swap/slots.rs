//! Slots: which pages of the disk are in use, and by how many page-table entries. No hardware.

use alloc::vec::Vec;

use super::super::frames::OutOfMemory;

/// A page of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotNumber(u32);

impl SlotNumber {
    pub(in crate::mm) const fn new(number: u32) -> Self {
        Self(number)
    }

    pub(crate) const fn as_u32(self) -> u32 {
        self.0
    }
}

/// What a slot that was in use at least once is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// On the list of free slots.
    Free { next: Option<SlotNumber> },
    /// Holds a page for so many entries.
    InUse { references: u32 },
    /// The disk refused a page there. Never used again.
    Bad,
}

/// All slots of a disk. Those that were never used are past the end of the table.
#[derive(Debug)]
pub(super) struct Slots {
    table: Vec<Slot>,
    total: u32,
    first_free: Option<SlotNumber>,
}

impl Slots {
    /// Nothing here allocates again.
    pub(super) fn new(total: u32) -> Result<Self, OutOfMemory> {
        let mut table = Vec::new();
        table.try_reserve_exact(total as usize).map_err(|_| OutOfMemory)?;
        Ok(Self {
            table,
            total,
            first_free: None,
        })
    }

    /// Slots in all.
    pub(super) fn total(&self) -> u32 {
        self.total
    }

    /// Takes a free slot, with one reference.
    pub(super) fn take(&mut self) -> Option<SlotNumber> {
        let in_use = Slot::InUse { references: 1 };
        if let Some(slot) = self.first_free {
            let Slot::Free { next } = core::mem::replace(self.slot(slot), in_use) else {
                unreachable!("the list of free slots holds free slots");
            };
            self.first_free = next;
            return Some(slot);
        }
        let slot = SlotNumber(self.table.len() as u32);
        (slot.0 < self.total).then(|| {
            self.table.push(in_use);
            slot
        })
    }

    /// Adds a reference to a slot in use.
    pub(super) fn retain(&mut self, slot: SlotNumber) {
        match self.slot(slot) {
            Slot::InUse { references } => *references += 1,
            other => panic!("slot {slot:?} gets a reference, but is {other:?}"),
        }
    }

    /// Gives one reference back; the last one frees the slot.
    pub(super) fn release(&mut self, slot: SlotNumber) {
        let next = self.first_free;
        match self.slot(slot) {
            Slot::InUse { references } if *references > 1 => *references -= 1,
            last @ Slot::InUse { .. } => {
                *last = Slot::Free { next };
                self.first_free = Some(slot);
            }
            other => panic!("slot {slot:?} loses a reference, but is {other:?}"),
        }
    }

    /// Takes a slot out of use for good.
    pub(super) fn mark_bad(&mut self, slot: SlotNumber) {
        *self.slot(slot) = Slot::Bad;
    }

    fn slot(&mut self, slot: SlotNumber) -> &mut Slot {
        &mut self.table[slot.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::{SlotNumber, Slots};

    #[test]
    fn a_slot_is_free_again_after_its_last_reference() {
        let mut slots = Slots::new(1).unwrap();
        let slot = slots.take().unwrap();
        slots.retain(slot);
        slots.release(slot);
        assert_eq!(slots.take(), None);
        slots.release(slot);
        assert_eq!(slots.take(), Some(slot));
    }

    #[test]
    fn slots_that_came_back_are_used_before_new_ones() {
        let mut slots = Slots::new(3).unwrap();
        let [first, second] = [slots.take().unwrap(), slots.take().unwrap()];
        slots.release(first);
        slots.release(second);
        assert_eq!(
            [slots.take(), slots.take(), slots.take(), slots.take()],
            [Some(second), Some(first), Some(SlotNumber::new(2)), None]
        );
    }

    #[test]
    fn a_bad_slot_is_never_handed_out_again() {
        let mut slots = Slots::new(2).unwrap();
        let bad = slots.take().unwrap();
        slots.mark_bad(bad);
        let good = slots.take().unwrap();
        assert_ne!(good, bad);
        slots.release(good);
        assert_eq!([slots.take(), slots.take()], [Some(good), None]);
    }

    #[test]
    #[should_panic(expected = "loses a reference")]
    fn giving_back_what_nobody_has_is_a_fault_of_the_kernel() {
        let mut slots = Slots::new(1).unwrap();
        let slot = slots.take().unwrap();
        slots.release(slot);
        slots.release(slot);
    }
}
