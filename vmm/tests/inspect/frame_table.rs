//! The kernel's account against the page tables.

use abi::frame_table::{ANONYMOUS, HEAP, PAGE_TABLE};
use abi::paging::{NO_EXECUTE, USER};
use vmm::address::{FrameNumber, PhysAddr};
use vmm::inspect::frame_table::{FrameTable, FrameTableError, FrameTableFinding, check};
use vmm::inspect::walk::Root;

use crate::guest::StillGuest;

const TABLE: PhysAddr = PhysAddr(0x1000);
const FRAMES: u64 = 64;
const RO: u64 = USER | NO_EXECUTE;

fn account(guest: &StillGuest, frame: u64, references: u32, kind: u16) {
    guest.write(
        PhysAddr(TABLE.0 + 8 * frame),
        u64::from(references) | u64::from(kind) << 32,
    );
}

/// A process that maps frame 0x10 twice, and an account that says so.
fn sound_account() -> (StillGuest, Root) {
    let mut guest = StillGuest::new(FRAMES as usize);
    let root = guest.new_root();
    guest.map_4k(root, 0x40_0000, 0x10 << 12, RO);
    guest.map_4k(root, 0x40_1000, 0x10 << 12, RO);
    account(&guest, 0x10, 2, ANONYMOUS);
    for table in 0x3c..0x40 {
        account(&guest, table, 1, PAGE_TABLE);
    }
    (guest, root)
}

fn findings(guest: &StillGuest, root: Root, count: u64) -> Vec<FrameTableFinding> {
    let table = FrameTable::read(guest.memory(), TABLE, count).expect("the table is in memory");
    check(&table, &guest.owners(&[root])).into_iter().collect()
}

#[test]
fn a_true_account_gives_no_findings() {
    let (guest, root) = sound_account();
    assert_eq!(findings(&guest, root, FRAMES), []);
}

#[test]
fn entries_are_decoded_as_the_guest_lays_them_out() {
    let (guest, _) = sound_account();
    guest.write(PhysAddr(TABLE.0), 0x0007_0004_1234_5678);
    let table = FrameTable::read(guest.memory(), TABLE, FRAMES).unwrap();
    let (frame, info) = table.iter().next().unwrap();
    assert_eq!(frame, FrameNumber(0));
    assert_eq!((info.references, info.kind, info.private), (0x1234_5678, HEAP, 7));
    assert_eq!(table.iter().len() as u64, FRAMES);
    assert_eq!(table.get(FrameNumber(FRAMES)), None);
}

#[test]
fn a_table_that_cannot_be_is_refused() {
    let (guest, _) = sound_account();
    assert_eq!(
        FrameTable::read(guest.memory(), TABLE, FRAMES + 1),
        Err(FrameTableError::TooLong {
            count: FRAMES + 1,
            frames: FRAMES
        })
    );
    assert!(FrameTable::read(guest.memory(), TABLE, u64::MAX).is_err());
    for base in [(FRAMES << 12) - 8, u64::MAX, u64::MAX - 511] {
        assert!(matches!(
            FrameTable::read(guest.memory(), PhysAddr(base), FRAMES),
            Err(FrameTableError::OutsideMemory(_))
        ));
    }
}

#[test]
fn a_free_frame_that_a_user_maps_is_found() {
    let (guest, root) = sound_account();
    account(&guest, 0x10, 0, ANONYMOUS);
    let findings = findings(&guest, root, FRAMES);
    assert!(matches!(
        findings.as_slice(),
        [FrameTableFinding::FreeFrameMapped { .. }]
    ));
    assert_eq!(
        findings[0].to_string(),
        "frame 0x10 is free by the kernel's account, but mapped by process 1 at 0x400000 (user r--)"
    );
}

#[test]
fn a_free_frame_that_is_a_page_table_is_found() {
    let (guest, root) = sound_account();
    account(&guest, root.table().0, 0, PAGE_TABLE);
    let findings = findings(&guest, root, FRAMES);
    assert!(matches!(
        findings.as_slice(),
        [FrameTableFinding::FreeFrameIsPageTable { .. }]
    ));
    assert_eq!(
        findings[0].to_string(),
        "frame 0x3f is free by the kernel's account, but is the top page table of process 1"
    );
}

#[test]
fn a_page_table_that_is_something_else_by_the_account_is_found() {
    let (guest, root) = sound_account();
    account(&guest, root.table().0, 1, HEAP);
    let findings = findings(&guest, root, FRAMES);
    assert_eq!(
        findings[0].to_string(),
        "frame 0x3f is HEAP by the kernel's account, but is the top page table of process 1"
    );
    assert_eq!(findings.len(), 1);
}

#[test]
fn fewer_references_than_user_mappings_are_found_and_more_are_not() {
    let (guest, root) = sound_account();
    account(&guest, 0x10, 3, ANONYMOUS);
    assert_eq!(findings(&guest, root, FRAMES), []);
    account(&guest, 0x10, 1, ANONYMOUS);
    let findings = findings(&guest, root, FRAMES);
    assert!(matches!(
        findings.as_slice(),
        [FrameTableFinding::TooFewReferences { .. }]
    ));
    assert_eq!(
        findings[0].to_string(),
        "frame 0x10 has 1 references by the kernel's account, but 2 user mappings"
    );
}

#[test]
fn a_frame_that_the_kernel_calls_its_own_and_a_user_maps_is_found() {
    let (guest, root) = sound_account();
    account(&guest, 0x10, 2, HEAP);
    let findings = findings(&guest, root, FRAMES);
    assert!(matches!(
        findings.as_slice(),
        [FrameTableFinding::KernelFrameMapped { kind: HEAP, .. }]
    ));
    assert_eq!(
        findings[0].to_string(),
        "frame 0x10 is HEAP by the kernel's account, but mapped by process 1 at 0x400000 (user r--)"
    );
}

#[test]
fn a_mapped_frame_past_the_end_of_the_account_is_found() {
    let (guest, root) = sound_account();
    assert!(matches!(
        findings(&guest, root, 0x10).as_slice(),
        [FrameTableFinding::NotDescribed {
            frame: FrameNumber(0x10),
            ..
        }]
    ));
}
