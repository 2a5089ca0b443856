//! What changed since the last checkpoint.

use vmm::address::{FrameNumber, PhysAddr};
use vmm::inspect::dirty::DirtyTracker;

use crate::guest::StillGuest;

#[test]
fn a_frame_changed_if_it_was_written_and_differs() {
    let guest = StillGuest::new(130);
    let mut tracker = DirtyTracker::new(130);
    guest.write(PhysAddr(3 << 12), 1);
    guest.write(PhysAddr(129 << 12), 1);
    tracker.record(&[1 << 3 | 1 << 5, 0, 1 << 1]);
    // Frame 5 was written with what it held before.
    assert_eq!(
        tracker.changed(guest.memory()),
        [FrameNumber(3), FrameNumber(129)]
    );
}

#[test]
fn a_frame_that_differs_but_was_not_logged_is_no_change() {
    let guest = StillGuest::new(8);
    let tracker = DirtyTracker::new(8);
    guest.write(PhysAddr(3 << 12), 1);
    assert_eq!(tracker.changed(guest.memory()), []);
}

#[test]
fn logs_add_up_until_the_next_checkpoint() {
    let guest = StillGuest::new(8);
    let mut tracker = DirtyTracker::new(8);
    guest.write(PhysAddr(1 << 12), 1);
    tracker.record(&[1 << 1]);
    guest.write(PhysAddr(2 << 12), 1);
    tracker.record_range(FrameNumber(2)..FrameNumber(3));
    assert_eq!(tracker.changed(guest.memory()), [FrameNumber(1), FrameNumber(2)]);

    tracker.checkpoint(guest.memory());
    assert_eq!(tracker.changed(guest.memory()), []);
    guest.write(PhysAddr(1 << 12), 0);
    tracker.record(&[1 << 1 | 1 << 2]);
    assert_eq!(
        tracker.changed(guest.memory()),
        [FrameNumber(1)],
        "back to zero is a change too"
    );
}

#[test]
fn a_change_that_was_undone_is_no_change() {
    let guest = StillGuest::new(8);
    let mut tracker = DirtyTracker::new(8);
    guest.write(PhysAddr(1 << 12), 1);
    tracker.record(&[1 << 1]);
    tracker.checkpoint(guest.memory());
    guest.write(PhysAddr(1 << 12), 2);
    guest.write(PhysAddr(1 << 12), 1);
    tracker.record(&[1 << 1]);
    assert_eq!(tracker.changed(guest.memory()), []);
}

#[test]
fn bits_past_the_end_of_memory_are_ignored() {
    let guest = StillGuest::new(8);
    let mut tracker = DirtyTracker::new(8);
    tracker.record(&[u64::MAX, u64::MAX]);
    assert_eq!(tracker.changed(guest.memory()), []);
    tracker.checkpoint(guest.memory());
}
