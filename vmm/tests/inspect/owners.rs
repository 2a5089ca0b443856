//! Who maps what.

use abi::paging::{NO_EXECUTE, PRESENT, USER, WRITABLE};
use vmm::address::{FrameNumber, PhysAddr};
use vmm::inspect::owners::{Owners, SpaceId};
use vmm::inspect::walk::{Anomaly, Level, PageSize};

use crate::guest::{StillGuest, virt};

#[test]
fn a_frame_is_listed_with_everyone_who_maps_it() {
    let mut guest = StillGuest::new(64);
    let (first, second) = (guest.new_root(), guest.new_root());
    guest.map_4k(first, 0x40_0000, 0x5000, USER | WRITABLE | NO_EXECUTE);
    guest.map_4k(first, 0x50_0000, 0x5000, USER);
    guest.map_4k(second, 0x40_0000, 0x5000, NO_EXECUTE);
    guest.map_4k(second, 0x40_1000, 0x6000, USER);
    guest.map_4k(first, 0xffff_ffff_8000_5000, 0x5000, WRITABLE);

    let owners = guest.owners(&[first, second]);
    let of_frame_5: Vec<_> = owners.of(FrameNumber(5)).map(|owner| owner.to_string()).collect();
    assert_eq!(
        of_frame_5,
        [
            "process 1 at 0x400000 (user rw-)",
            "process 1 at 0x500000 (user r-x)",
            "process 2 at 0x400000 (kernel r--)"
        ]
    );
    assert_eq!(owners.of(FrameNumber(7)).len(), 0);
    let mapped: Vec<_> = owners
        .by_frame()
        .map(|(frame, owners)| (frame.0, owners.len()))
        .collect();
    assert_eq!(mapped, [(5, 3), (6, 1)]);
    assert!(owners.anomalies().is_empty() && owners.outside().is_empty());
}

#[test]
fn a_large_page_owns_each_of_its_frames_at_its_own_address() {
    let mut guest = StillGuest::new(1024);
    let root = guest.new_root();
    guest.map(root, 0x4000_0000, 0x20_0000, PageSize::Mib2, USER);

    let owners = guest.owners(&[root]);
    assert_eq!(owners.by_frame().count(), 512);
    let owner = owners.of(FrameNumber(0x203)).next().unwrap();
    assert_eq!((owner.space, owner.address), (SpaceId(1), virt(0x4000_3000)));
}

#[test]
fn page_tables_are_listed_with_their_level_and_kernel_tables_once() {
    let mut guest = StillGuest::new(64);
    let (first, second) = (guest.new_root(), guest.new_root());
    guest.map_4k(first, 0x40_0000, 0x5000, USER);
    guest.map_4k(first, 0xffff_ffff_8000_0000, 0, WRITABLE);
    let kernel_top_entry = guest.read(guest.entry(first, u64::MAX, 0));
    guest.write(guest.entry(second, u64::MAX, 0), kernel_top_entry);

    let owners = guest.owners(&[first, second]);
    let mut tables: Vec<_> = owners
        .tables()
        .iter()
        .map(|table| (table.space.0, table.level, table.address.0))
        .collect();
    tables.sort_unstable();
    assert_eq!(
        tables,
        [
            (1, Level::Pt, 0x40_0000),
            (1, Level::Pt, 0xffff_ffff_8000_0000),
            (1, Level::Pd, 0),
            (1, Level::Pd, 0xffff_ffff_8000_0000),
            (1, Level::Pdpt, 0),
            (1, Level::Pdpt, 0xffff_ff80_0000_0000),
            (1, Level::Pml4, 0),
            (2, Level::Pml4, 0),
        ]
    );
    assert_eq!(
        owners.tables_in(first.table())[0].to_string(),
        "the top page table of process 1"
    );
    assert!(owners.tables_in(FrameNumber(5)).is_empty());
}

#[test]
fn pages_that_are_not_memory_are_listed_apart() {
    let mut guest = StillGuest::new(64);
    let root = guest.new_root();
    guest.map_4k(root, 0x40_0000, 0xd000_0000, USER | WRITABLE);
    guest.map(root, 0x4000_0000, 0, PageSize::Mib2, USER);

    let owners = guest.owners(&[root]);
    let outside: Vec<_> = owners
        .outside()
        .into_iter()
        .map(|mapping| (mapping.owner.address.0, mapping.target))
        .collect();
    assert_eq!(
        outside,
        [(0x40_0000, PhysAddr(0xd000_0000)), (0x4000_0000, PhysAddr(0))]
    );
    assert_eq!(
        owners.by_frame().count(),
        64,
        "the part of the large page that is memory has an owner"
    );
}

#[test]
fn more_mappings_than_are_recorded_leave_an_anomaly() {
    // 512 mappings of all of memory by one page directory pointer table.
    let mut guest = StillGuest::new(2048);
    let root = guest.new_root();
    guest.map(root, 0, 0, PageSize::Gib1, USER);
    for gib in 1..512 {
        guest.write(
            guest.entry(root, gib << 30, 1),
            guest.read(guest.entry(root, 0, 1)),
        );
    }
    let owners = guest.owners(&[root]);
    let recorded: usize = owners.by_frame().map(|(_, owners)| owners.len()).sum();
    assert_eq!(recorded, Owners::LIMIT);
    assert!(matches!(
        owners.anomalies().as_slice()[0].anomaly,
        Anomaly::Unfinished { .. }
    ));
}

#[test]
fn a_kernel_half_that_never_ends_leaves_an_anomaly() {
    let mut guest = StillGuest::new(64);
    let root = guest.new_root();
    for index in 256..512 {
        let entry = PhysAddr(root.table().start().0 + 8 * index);
        guest.write(entry, ((index - 256) % 16) << 12 | PRESENT);
    }
    for table in 0..16 {
        for index in 0..512 {
            guest.write(
                PhysAddr((table << 12) + 8 * index),
                ((index + 1) % 16) << 12 | PRESENT,
            );
        }
    }
    let owners = guest.owners(&[root]);
    assert!(
        matches!(owners.anomalies().as_slice(), [one] if matches!(one.anomaly, Anomaly::Unfinished { .. }))
    );
}
