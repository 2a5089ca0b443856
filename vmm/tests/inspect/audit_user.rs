//! Each finding about user halves, and none about sound ones.

use abi::paging::{NO_EXECUTE, PRESENT, USER, WRITABLE};
use vmm::address::{FrameNumber, PhysAddr};
use vmm::inspect::audit::{Policy, UserFinding, user};
use vmm::inspect::owners::Owner;
use vmm::inspect::walk::{Anomaly, PageSize, Root};

use crate::guest::{StillGuest, virt};

const RW: u64 = USER | WRITABLE | NO_EXECUTE;
const RO: u64 = USER | NO_EXECUTE;
const SHARED_AT: u64 = 0x7000_0000;

/// Two processes that share a page copy-on-write, another one on purpose, and map the doorbell.
fn sound_processes() -> (StillGuest, [Root; 2]) {
    let mut guest = StillGuest::new(64);
    let roots = [guest.new_root(), guest.new_root()];
    for (root, own_frame) in roots.into_iter().zip([0x20, 0x21]) {
        guest.map_4k(root, 0x40_0000, 0x10 << 12, RO);
        guest.map_4k(root, 0x40_1000, own_frame << 12, RW);
        guest.map_4k(root, SHARED_AT, 0x11 << 12, RW);
        guest.map_4k(root, 0x6000_0000, 0xd000_0000, RW);
    }
    (guest, roots)
}

fn audit(guest: &StillGuest, roots: [Root; 2]) -> Vec<UserFinding> {
    let policy = Policy {
        kernel_only: &[FrameNumber(0)..FrameNumber(0x10)],
        devices: &[PhysAddr(0xd000_0000)..PhysAddr(0xd000_1000)],
        shared_on_purpose: &|_, owner: &Owner| owner.address == virt(SHARED_AT),
    };
    user(&guest.owners(&roots), &policy).into_iter().collect()
}

#[test]
fn sound_processes_give_no_findings() {
    let (guest, roots) = sound_processes();
    assert_eq!(audit(&guest, roots), []);
}

#[test]
fn a_page_table_that_a_user_can_access_is_found() {
    let (mut guest, roots) = sound_processes();
    guest.map_4k(roots[0], 0x40_2000, roots[1].table().start().0, RO);
    let findings = audit(&guest, roots);
    assert!(matches!(
        findings.as_slice(),
        [UserFinding::PageTableMapped { .. }]
    ));
    assert_eq!(
        findings[0].to_string(),
        "frame 0x3e is the top page table of process 2 and accessible to process 1 at 0x402000 (user r--)"
    );
}

#[test]
fn a_page_table_that_only_the_kernel_can_access_is_no_finding() {
    let (mut guest, roots) = sound_processes();
    guest.map_4k(roots[0], 0x40_2000, roots[1].table().start().0, WRITABLE);
    assert_eq!(audit(&guest, roots), []);
}

#[test]
fn a_kernel_frame_that_a_user_can_access_is_found() {
    let (mut guest, roots) = sound_processes();
    guest.map_4k(roots[1], 0x40_2000, 0xf000, RO);
    let findings = audit(&guest, roots);
    assert!(matches!(
        findings.as_slice(),
        [UserFinding::KernelOnlyMapped {
            frame: FrameNumber(0xf),
            ..
        }]
    ));
    assert_eq!(
        findings[0].to_string(),
        "frame 0xf is the kernel's own and accessible to process 2 at 0x402000 (user r--)"
    );
}

#[test]
fn a_private_frame_with_two_writers_is_found() {
    let (mut guest, roots) = sound_processes();
    guest.map_4k(roots[1], 0x40_1000, 0x20 << 12, RW);
    let findings = audit(&guest, roots);
    assert!(matches!(
        findings.as_slice(),
        [UserFinding::WritableTwice {
            frame: FrameNumber(0x20),
            ..
        }]
    ));
    assert_eq!(
        findings[0].to_string(),
        "frame 0x20 is writable by two owners: process 1 at 0x401000 (user rw-) and process 2 at 0x401000 (user rw-)"
    );
}

#[test]
fn a_private_frame_that_one_process_can_write_at_two_addresses_is_found() {
    let (mut guest, roots) = sound_processes();
    guest.map_4k(roots[1], 0x40_2000, 0x21 << 12, RW);
    assert!(matches!(
        audit(&guest, roots).as_slice(),
        [UserFinding::WritableTwice { first, second, .. }] if first.space == second.space
    ));
}

#[test]
fn a_copy_on_write_page_that_one_side_can_still_write_is_found() {
    let (mut guest, roots) = sound_processes();
    guest.map_4k(roots[0], 0x40_0000, 0x10 << 12, RW);
    let findings = audit(&guest, roots);
    assert!(matches!(
        findings.as_slice(),
        [UserFinding::WritableWhileShared { .. }]
    ));
    assert_eq!(
        findings[0].to_string(),
        "frame 0x10 is writable by process 1 at 0x400000 (user rw-) and also mapped by process 2 at 0x400000 (user r--)"
    );
}

#[test]
fn a_frame_that_is_shared_on_purpose_may_have_private_readers_but_no_private_writer() {
    let (mut guest, roots) = sound_processes();
    guest.map_4k(roots[0], 0x40_2000, 0x11 << 12, RO);
    assert_eq!(audit(&guest, roots), []);
    guest.map_4k(roots[0], 0x40_2000, 0x11 << 12, RW);
    assert!(matches!(
        audit(&guest, roots).as_slice(),
        [UserFinding::WritableWhileShared { writer, .. }] if writer.address == virt(0x40_2000)
    ));
}

#[test]
fn a_mapping_of_an_unknown_device_is_found() {
    let (mut guest, roots) = sound_processes();
    guest.map_4k(roots[0], 0x6000_1000, 0xd000_1000, RO);
    let findings = audit(&guest, roots);
    assert!(matches!(findings.as_slice(), [UserFinding::OutsideMemory { .. }]));
    assert_eq!(
        findings[0].to_string(),
        "process 1 at 0x60001000 (user r--) maps 4 KiB at 0xd0001000, which is outside guest memory"
    );
}

#[test]
fn a_large_page_that_reaches_past_a_known_device_is_found() {
    let (mut guest, roots) = sound_processes();
    guest.map(roots[0], 0x6020_0000, 0xd000_0000, PageSize::Mib2, RO);
    assert!(matches!(
        audit(&guest, roots).as_slice(),
        [UserFinding::OutsideMemory { .. }]
    ));
}

#[test]
fn a_page_table_that_two_processes_share_is_found() {
    let (guest, roots) = sound_processes();
    let page_table = guest.read(guest.entry(roots[0], SHARED_AT, 2));
    assert_ne!(page_table & PRESENT, 0);
    guest.write(guest.entry(roots[1], SHARED_AT, 2), page_table);
    let findings = audit(&guest, roots);
    assert!(matches!(
        findings.as_slice(),
        [UserFinding::Anomaly(odd)] if matches!(odd.anomaly, Anomaly::SharedTable { .. }) && odd.space.0 == 2
    ));
}
