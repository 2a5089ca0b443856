//! One entry of a page table.
//!
//! | entry             | PRESENT | HELD | NO_FRAME | means                                                           |
//! |-------------------|---------|------|----------|-----------------------------------------------------------------|
//! | empty (all zero)  | 0       | 0    | 0        | nothing was ever here; a fault decides what will be             |
//! | mapped            | 1       | 0    | 0        | maps a frame and holds a reference to it                        |
//! | device            | 1       | 0    | 1        | maps an address that is not memory; nothing counts it           |
//! | held              | 0       | 1    | as above | protection forbids every access (`PROT_NONE`); the rest is kept |
//! | swapped           | 0       | 0    | 1        | the page is in a slot of the disk, whose number stands where    |
//! |                   |         |      |          | the frame's would; holds a reference to the slot                |
//!
//! Each that is not empty may be guarded, too: then it is not writable, and whoever stores to it waits. One that maps a frame, or is
//! held, may be locked: then it does not become a swapped one.

use abi::paging::{
    ACCESSED, ADDRESS_MASK, CACHE_DISABLE, DIRTY, LARGE, NO_EXECUTE, PRESENT, USER, WRITABLE, WRITE_THROUGH,
};

use super::super::address::{FrameNumber, PhysAddr};
use super::super::address_space::Protection;
use super::super::set_memory::KernelProtection;
use super::super::swap::SlotNumber;

/// Software bit: the entry is out of use until protection allows an access again.
const HELD: u64 = 1 << 9;
/// Software bit: no frame of memory stands behind the entry.
const NO_FRAME: u64 = 1 << 10;

/// Software bit: a program is asked before anybody stores through the entry.
const GUARDED: u64 = 1 << 11;

/// Software bit: the page stays in memory. Of those that the processor ignores at the upper end, because all others are in use.
const LOCKED: u64 = 1 << 52;

/// An entry of any level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry(u64);

impl Entry {
    pub(crate) const EMPTY: Self = Self(0);

    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Maps a frame for a program, which can write to it if `protection` says so.
    pub(crate) fn user(frame: FrameNumber, protection: Protection) -> Self {
        Self(frame.address() | USER | ACCESSED | PRESENT)
            .with_protection(protection)
            .with_writable(protection)
    }

    /// Maps a device for a program, uncached.
    pub(crate) fn device(address: PhysAddr, protection: Protection) -> Self {
        Self(address.as_u64() | NO_FRAME | CACHE_DISABLE | WRITE_THROUGH | USER | ACCESSED | PRESENT)
            .with_protection(protection)
            .with_writable(protection)
    }

    /// Stands for a page that is in a slot of the disk. What may be done with the page is for its area to say; that it is a
    /// user's is for the tables on the way to it, which may come into being for this entry.
    pub(crate) fn swapped(slot: SlotNumber) -> Self {
        Self(FrameNumber::new(slot.as_u32()).address() | NO_FRAME | USER)
    }

    /// Maps registers of a device for the kernel, uncached.
    pub(crate) fn kernel_device(address: PhysAddr) -> Self {
        let uncached = NO_FRAME | CACHE_DISABLE | WRITE_THROUGH;
        Self(address.as_u64() | uncached | PRESENT | WRITABLE | NO_EXECUTE | ACCESSED | DIRTY)
    }

    /// Maps a frame for the kernel: data, never code.
    pub(crate) fn kernel_data(frame: FrameNumber) -> Self {
        Self(frame.address() | PRESENT | WRITABLE | NO_EXECUTE | ACCESSED | DIRTY)
    }

    /// Maps a frame for the kernel, with that protection.
    pub(crate) fn kernel(frame: FrameNumber, protection: KernelProtection) -> Self {
        let Self(data) = Self::kernel_data(frame);
        Self(match protection {
            KernelProtection::Writable => data,
            KernelProtection::ReadOnly => data & !WRITABLE,
            KernelProtection::Executable => data & !(WRITABLE | NO_EXECUTE),
        })
    }

    /// What [`Self::kernel`] was told.
    pub(crate) fn kernel_protection(self) -> KernelProtection {
        match (self.is_writable(), self.0 & NO_EXECUTE == 0) {
            (true, _) => KernelProtection::Writable,
            (false, false) => KernelProtection::ReadOnly,
            (false, true) => KernelProtection::Executable,
        }
    }

    /// Maps all frames of a large page for the kernel: data, never code.
    pub(super) fn large_kernel_data(first: FrameNumber) -> Self {
        Self(Self::kernel_data(first).0 | LARGE)
    }

    /// Whether it is no way to a table, but maps as much as that would.
    pub(super) const fn is_large(self) -> bool {
        self.0 & LARGE != 0
    }

    /// A table that is on the way to `leaf`.
    pub(super) fn table(frame: FrameNumber, leaf: Self) -> Self {
        Self(frame.address() | PRESENT | WRITABLE | ACCESSED | leaf.0 & USER)
    }

    /// The same frame under another protection. Takes permissions away and gives back those to read and to execute; the
    /// permission to write comes back with the next fault, which knows whether the frame must be copied first.
    pub(crate) fn with_protection(self, protection: Protection) -> Self {
        if self.slot().is_some() {
            return self;
        }
        let mut bits = self.0 & !(NO_EXECUTE | PRESENT | HELD);
        bits |= if protection.is_none() { HELD } else { PRESENT };
        if !protection.allows_write() {
            bits &= !WRITABLE;
        }
        if !protection.allows_execute() {
            bits |= NO_EXECUTE;
        }
        Self(bits)
    }

    /// The same, writable if `protection` says so.
    pub(crate) fn with_writable(self, protection: Protection) -> Self {
        if protection.allows_write() {
            Self(self.0 | WRITABLE)
        } else {
            self
        }
    }

    /// The same, not writable.
    pub(crate) fn read_only(self) -> Self {
        Self(self.0 & !WRITABLE)
    }

    /// The same, not writable until the guard is taken away.
    pub(crate) fn guarded(self) -> Self {
        Self(self.read_only().0 | GUARDED)
    }

    /// The same without a guard. The permission to write comes back with the next fault.
    pub(crate) fn unguarded(self) -> Self {
        Self(self.0 & !GUARDED)
    }

    /// The same, guarded if `other` is.
    pub(crate) fn guarded_like(self, other: Self) -> Self {
        if other.is_guarded() { self.guarded() } else { self }
    }

    /// The same in the memory of a child of fork, where it is neither guarded nor locked.
    pub(crate) fn inherited(self) -> Self {
        Self(self.0 & !(GUARDED | LOCKED))
    }

    /// The same, which stays in memory.
    pub(crate) fn locked(self) -> Self {
        Self(self.0 | LOCKED)
    }

    /// The same, which may go to the disk.
    pub(crate) fn unlocked(self) -> Self {
        Self(self.0 & !LOCKED)
    }

    /// The same, locked if `other` is.
    pub(crate) fn locked_like(self, other: Self) -> Self {
        Self(self.0 | other.0 & LOCKED)
    }

    pub(crate) const fn is_locked(self) -> bool {
        self.0 & LOCKED != 0
    }

    pub(crate) const fn is_guarded(self) -> bool {
        self.0 & GUARDED != 0
    }

    /// The same, written to.
    pub(crate) fn dirtied(self) -> Self {
        Self(self.0 | DIRTY)
    }

    /// The same for another frame.
    pub(crate) fn with_frame(self, frame: FrameNumber) -> Self {
        Self(self.0 & !ADDRESS_MASK | frame.address())
    }

    /// Whether something was written through the entry.
    pub(crate) const fn is_dirty(self) -> bool {
        self.0 & DIRTY != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn is_present(self) -> bool {
        self.0 & PRESENT != 0
    }

    pub(crate) const fn is_writable(self) -> bool {
        self.0 & WRITABLE != 0
    }

    /// Whether a frame of memory stands behind the entry, to which it holds a reference.
    pub(crate) const fn has_frame(self) -> bool {
        self.0 & NO_FRAME == 0
    }

    /// Whether it maps a frame of memory for a program, or would if protection allowed an access.
    pub(crate) const fn maps_memory(self) -> bool {
        self.0 & (PRESENT | HELD) != 0 && self.has_frame()
    }

    /// The slot in which the page is, if it is in one.
    pub(crate) fn slot(self) -> Option<SlotNumber> {
        let is_swapped = self.0 & (PRESENT | HELD | NO_FRAME) == NO_FRAME;
        is_swapped.then(|| SlotNumber::new(self.frame().as_u32()))
    }

    /// Whether the processor has used the entry since the mark was last taken away.
    pub(crate) const fn is_accessed(self) -> bool {
        self.0 & ACCESSED != 0
    }

    /// The same, as if it had not been used.
    pub(crate) fn without_access_mark(self) -> Self {
        Self(self.0 & !ACCESSED)
    }

    /// The frame or table that the entry leads to.
    pub(crate) const fn frame(self) -> FrameNumber {
        FrameNumber::containing(self.0 & ADDRESS_MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::address_space::Protection;
    use super::{Entry, FrameNumber, SlotNumber};

    const FRAME: FrameNumber = FrameNumber::new(5);

    #[test]
    fn protection_that_comes_back_does_not_make_an_entry_writable() {
        let protected = Entry::user(FRAME, Protection::READ_WRITE).with_protection(Protection::READ);
        let back = protected.with_protection(Protection::READ_WRITE);
        assert!(back.is_present());
        assert!(!back.is_writable());
    }

    #[test]
    fn an_entry_without_any_permission_keeps_its_frame() {
        let held = Entry::user(FRAME, Protection::READ_WRITE).with_protection(Protection::NONE);
        assert!(!held.is_present());
        assert!(!held.is_empty());
        assert_eq!(held.with_protection(Protection::READ).frame(), FRAME);
    }

    #[test]
    fn a_swapped_entry_keeps_its_slot_whatever_the_protection_becomes() {
        for number in [0, 1, 65535] {
            let slot = SlotNumber::new(number);
            let swapped = Entry::swapped(slot);
            assert!(!swapped.is_empty() && !swapped.is_present() && !swapped.has_frame());
            assert_eq!(swapped.with_protection(Protection::NONE).slot(), Some(slot));
            assert_eq!(swapped.with_protection(Protection::READ_WRITE), swapped);
        }
    }

    #[test]
    fn a_guard_outlives_the_way_to_the_disk_and_changes_of_protection() {
        let guarded = Entry::user(FRAME, Protection::READ_WRITE).guarded();
        assert!(guarded.is_guarded() && !guarded.is_writable());
        let swapped = Entry::swapped(SlotNumber::new(7)).guarded_like(guarded);
        assert_eq!(
            (swapped.is_guarded(), swapped.slot()),
            (true, Some(SlotNumber::new(7)))
        );
        let held = guarded
            .with_protection(Protection::NONE)
            .with_protection(Protection::READ_WRITE);
        assert!(held.is_guarded() && !held.is_writable());
        assert_eq!(guarded.unguarded(), guarded.unguarded().read_only());
    }

    #[test]
    fn what_is_mapped_or_held_or_nothing_has_no_slot() {
        let mapped = Entry::user(FRAME, Protection::READ_WRITE);
        let device = Entry::device(super::PhysAddr::new(0x5000), Protection::READ);
        for entry in [mapped, device, Entry::EMPTY] {
            assert_eq!(entry.slot(), None);
            assert_eq!(entry.with_protection(Protection::NONE).slot(), None);
        }
        assert!(mapped.maps_memory() && !device.maps_memory() && !Entry::EMPTY.maps_memory());
    }
}
