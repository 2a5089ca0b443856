//! One address at a time.

use abi::paging::{ACCESSED, DIRTY, LARGE, NO_EXECUTE, PRESENT, USER, WRITABLE};
use vmm::address::PhysAddr;
use vmm::inspect::walk::{Defect, Level, PageSize, Permissions, ReadError, Root, WalkError, read, translate};

use crate::guest::{StillGuest, virt};

#[test]
fn a_mapped_address_translates_with_its_offset_and_all_entries() {
    let mut guest = StillGuest::new(32);
    let root = guest.new_root();
    guest.map_4k(
        root,
        0x7fff_1234_5000,
        0x3000,
        USER | WRITABLE | NO_EXECUTE | ACCESSED,
    );

    let translation = translate(guest.memory(), root, virt(0x7fff_1234_5678)).unwrap();
    assert_eq!(translation.address, PhysAddr(0x3678));
    assert_eq!(translation.size, PageSize::Kib4);
    assert_eq!(
        translation.permissions,
        Permissions {
            user: true,
            writable: true,
            executable: false
        }
    );
    assert!(translation.accessed() && !translation.dirty());
    let levels: Vec<_> = translation.entries.iter().map(|entry| entry.level).collect();
    assert_eq!(levels, [Level::Pml4, Level::Pdpt, Level::Pd, Level::Pt]);
    assert_eq!(translation.leaf().at, guest.entry(root, 0x7fff_1234_5000, 3));
}

#[test]
fn large_pages_keep_the_lower_address_bits() {
    let mut guest = StillGuest::new(32);
    let root = guest.new_root();
    guest.map(
        root,
        0xffff_ffff_8020_0000,
        0x40_0000,
        PageSize::Mib2,
        WRITABLE | DIRTY,
    );
    guest.map(root, 0xffff_ffff_c000_0000, 0x8000_0000, PageSize::Gib1, 0);

    let two_mib = translate(guest.memory(), root, virt(0xffff_ffff_803f_ffff)).unwrap();
    assert_eq!(
        (two_mib.address, two_mib.size),
        (PhysAddr(0x5f_ffff), PageSize::Mib2)
    );
    assert!(two_mib.dirty());
    let one_gib = translate(guest.memory(), root, virt(0xffff_ffff_ffff_ffff)).unwrap();
    assert_eq!(
        (one_gib.address, one_gib.size),
        (PhysAddr(0xbfff_ffff), PageSize::Gib1)
    );
}

#[test]
fn cr3_flags_are_not_part_of_the_root() {
    let mut guest = StillGuest::new(32);
    let root = guest.new_root();
    assert_eq!(Root::from_cr3(root.table().start().0 | 1 << 63 | 0xfff), root);
}

#[test]
fn every_level_can_take_a_permission_away() {
    for levels_below_top in 0..4 {
        let mut guest = StillGuest::new(32);
        let root = guest.new_root();
        guest.map_4k(root, 0x40_0000, 0x3000, USER | WRITABLE);
        let at = guest.entry(root, 0x40_0000, levels_below_top);
        guest.write(at, guest.read(at) & !USER & !WRITABLE | NO_EXECUTE);

        let permissions = translate(guest.memory(), root, virt(0x40_0000))
            .unwrap()
            .permissions;
        assert_eq!(
            permissions,
            Permissions {
                user: false,
                writable: false,
                executable: false
            }
        );
    }
}

#[test]
fn an_absent_entry_is_reported_with_its_level_and_bits() {
    for (levels_below_top, level) in (0..).zip([Level::Pml4, Level::Pdpt, Level::Pd, Level::Pt]) {
        let mut guest = StillGuest::new(32);
        let root = guest.new_root();
        guest.map_4k(root, 0x40_0000, 0x3000, USER);
        let at = guest.entry(root, 0x40_0000, levels_below_top);
        guest.write(at, 0xabcd_0000);

        match translate(guest.memory(), root, virt(0x40_0000)) {
            Err(WalkError::NotPresent { entry, .. }) => {
                assert_eq!((entry.level, entry.at, entry.value), (level, at, 0xabcd_0000));
            }
            other => panic!("{level}: {other:?}"),
        }
    }
}

#[test]
fn malformed_entries_are_told_apart() {
    let large_at_wrong_address = 0x1000 << 9 >> 1 | LARGE | PRESENT;
    let cases = [
        (0, 0x1000 | LARGE | PRESENT, Defect::ReservedBit),
        (0, 0xf_0000_0000_0000 | PRESENT, Defect::TableOutsideMemory),
        (1, large_at_wrong_address, Defect::MisalignedLargePage),
        (1, 0x20_0000 | PRESENT, Defect::TableOutsideMemory),
        (2, large_at_wrong_address, Defect::MisalignedLargePage),
        (2, 0x20_0000 | PRESENT, Defect::TableOutsideMemory),
    ];
    for (levels_below_top, value, expected) in cases {
        let mut guest = StillGuest::new(32);
        let root = guest.new_root();
        guest.map_4k(root, 0x40_0000, 0x3000, USER);
        let at = guest.entry(root, 0x40_0000, levels_below_top);
        guest.write(at, value);

        match translate(guest.memory(), root, virt(0x40_0000)) {
            Err(WalkError::Malformed { entry, defect, .. }) => {
                assert_eq!((entry.at, defect), (at, expected));
            }
            other => panic!("{expected:?}: {other:?}"),
        }
    }
}

#[test]
fn addresses_and_roots_that_cannot_be_walked_are_errors() {
    let guest = StillGuest::new(32);
    let address = virt(0x8000_0000_0000);
    assert_eq!(
        translate(guest.memory(), Root::from_cr3(0), address),
        Err(WalkError::NotCanonical { address })
    );
    let root = Root::from_cr3(32 << 12);
    assert_eq!(
        translate(guest.memory(), root, virt(0)),
        Err(WalkError::RootOutsideMemory { root })
    );
}

#[test]
fn reading_follows_pages_that_are_not_adjacent() {
    let mut guest = StillGuest::new(32);
    let root = guest.new_root();
    guest.map_4k(root, 0x1000, 0x5000, 0);
    guest.map_4k(root, 0x2000, 0x3000, 0);
    guest.map_4k(root, 0x3000, 0xd000_0000, 0);
    guest.write(PhysAddr(0x5ff8), 0x0807_0605_0403_0201);
    guest.write(PhysAddr(0x3000), 0x1817_1615_1413_1211);

    let mut bytes = [0; 6];
    read(guest.memory(), root, virt(0x1ffd), &mut bytes).unwrap();
    assert_eq!(bytes, [6, 7, 8, 0x11, 0x12, 0x13]);
    assert_eq!(
        read(guest.memory(), root, virt(0x2ffe), &mut bytes),
        Err(ReadError::NotMemory {
            address: virt(0x3000),
            target: PhysAddr(0xd000_0000)
        })
    );
    assert!(matches!(
        read(guest.memory(), root, virt(0xffc), &mut bytes),
        Err(ReadError::Walk(WalkError::NotPresent { .. }))
    ));
}

#[test]
fn reading_past_the_last_address_goes_on_at_address_zero() {
    let mut guest = StillGuest::new(32);
    let root = guest.new_root();
    guest.map_4k(root, 0xffff_ffff_ffff_f000, 0x5000, 0);
    let mut bytes = [0; 2];
    assert!(matches!(
        read(guest.memory(), root, virt(u64::MAX), &mut bytes),
        Err(ReadError::Walk(WalkError::NotPresent { address, .. })) if address == virt(0)
    ));
}
