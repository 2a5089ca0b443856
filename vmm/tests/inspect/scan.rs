//! Whole halves.

use std::ops::ControlFlow;

use abi::paging::{LARGE, PRESENT, USER, WRITABLE};
use vmm::address::{Half, PhysAddr, VirtAddr};
use vmm::inspect::owners::{Owners, Space, SpaceId};
use vmm::inspect::walk::{
    Anomaly, Defect, Descend, Mapping, PageSize, Reached, Root, Scanner, Table, Visitor, mappings, regions,
};
use vmm::inspect::{Effort, Findings};

use crate::guest::{StillGuest, samples_of, virt};

fn seen(guest: &StillGuest, root: Root, half: Half) -> (Vec<(VirtAddr, PhysAddr)>, Vec<Anomaly>) {
    let mut seen = Vec::new();
    let anomalies = mappings(guest.memory(), root, half, &Effort::default(), |mapping| {
        seen.push((mapping.address, mapping.target));
    });
    (seen, anomalies.into_iter().collect())
}

#[test]
fn each_half_holds_its_own_mappings_in_ascending_order() {
    let mut guest = StillGuest::new(64);
    let root = guest.new_root();
    guest.map_4k(root, 0x7fff_ffff_f000, 0x2000, USER);
    guest.map_4k(root, 0x40_0000, 0x1000, USER);
    guest.map(root, 0xffff_ffff_8000_0000, 0, PageSize::Mib2, WRITABLE);
    guest.map_4k(root, 0xffff_8000_0000_0000, 0x3000, 0);

    let user = [
        (virt(0x40_0000), PhysAddr(0x1000)),
        (virt(0x7fff_ffff_f000), PhysAddr(0x2000)),
    ];
    assert_eq!(seen(&guest, root, Half::User), (user.to_vec(), vec![]));
    let kernel = [
        (virt(0xffff_8000_0000_0000), PhysAddr(0x3000)),
        (virt(0xffff_ffff_8000_0000), PhysAddr(0)),
    ];
    assert_eq!(seen(&guest, root, Half::Kernel), (kernel.to_vec(), vec![]));
}

#[test]
fn adjacent_pages_with_equal_permissions_are_one_region() {
    let mut guest = StillGuest::new(64);
    let root = guest.new_root();
    guest.map_4k(root, 0x40_0000, 0x1000, USER);
    guest.map_4k(root, 0x40_1000, 0x8000, USER);
    guest.map_4k(root, 0x40_2000, 0x9000, USER | WRITABLE);
    guest.map_4k(root, 0x40_4000, 0xa000, USER | WRITABLE);
    guest.map(root, 0xffff_ffff_ffe0_0000, 0, PageSize::Mib2, WRITABLE);

    let (user, _) = regions(guest.memory(), root, Half::User, &Effort::default());
    let user: Vec<_> = user.into_iter().map(|region| region.to_string()).collect();
    assert_eq!(
        user,
        [
            "0x400000..=0x401fff (user r-x)",
            "0x402000..=0x402fff (user rwx)",
            "0x404000..=0x404fff (user rwx)"
        ]
    );
    let (kernel, _) = regions(guest.memory(), root, Half::Kernel, &Effort::default());
    assert_eq!(kernel.as_slice()[0].last(), virt(u64::MAX));
}

#[test]
fn a_malformed_entry_is_an_anomaly_and_the_scan_goes_on() {
    let cases = [
        (0, 0x1000 | LARGE | PRESENT, Defect::ReservedBit),
        (0, 64 << 12 | PRESENT, Defect::TableOutsideMemory),
        (1, 0x1000 << 9 >> 1 | LARGE | PRESENT, Defect::MisalignedLargePage),
    ];
    for (levels_below_top, value, expected) in cases {
        let mut guest = StillGuest::new(64);
        let root = guest.new_root();
        guest.map_4k(root, 0x1000, 0x1000, USER);
        guest.map_4k(root, 0x7fff_0000_0000, 0x2000, USER);
        guest.write(guest.entry(root, 0x1000, levels_below_top), value);

        let (seen, anomalies) = seen(&guest, root, Half::User);
        assert_eq!(seen, [(virt(0x7fff_0000_0000), PhysAddr(0x2000))]);
        match anomalies.as_slice() {
            [
                Anomaly::Malformed {
                    address: VirtAddr(0),
                    entry,
                    defect,
                },
            ] => {
                assert_eq!((entry.value, *defect), (value, expected));
            }
            other => panic!("{expected:?}: {other:?}"),
        }
    }
}

#[test]
fn a_root_outside_memory_is_an_anomaly() {
    let guest = StillGuest::new(64);
    let root = Root::from_cr3(64 << 12);
    assert_eq!(
        seen(&guest, root, Half::User),
        (vec![], vec![Anomaly::RootOutsideMemory { root }])
    );
}

#[test]
fn a_table_that_contains_itself_is_a_loop_and_shows_the_tables_as_pages() {
    let mut guest = StillGuest::new(64);
    let root = guest.new_root();
    let table = root.table();
    guest.write(
        guest.entry(root, 0xffff_ff00_0000_0000, 0),
        table.start().0 | PRESENT,
    );

    let (seen, anomalies) = seen(&guest, root, Half::Kernel);
    let recursive_page = virt(0xffff_0000_0000_0000 | 510 << 39 | 510 << 30 | 510 << 21 | 510 << 12);
    assert_eq!(seen, [(recursive_page, table.start())]);
    assert_eq!(anomalies.len(), 3);
    assert!(
        anomalies
            .iter()
            .all(|anomaly| matches!(anomaly, Anomaly::Loop { table: t } if t.frame == table))
    );
}

#[test]
fn a_table_used_twice_is_an_anomaly_and_maps_twice() {
    let mut guest = StillGuest::new(64);
    let root = guest.new_root();
    guest.map_4k(root, 0x1000, 0x5000, USER);
    let page_table = guest.read(guest.entry(root, 0x1000, 2));
    guest.write(guest.entry(root, 0x20_1000, 2), page_table);

    let (seen, anomalies) = seen(&guest, root, Half::User);
    assert_eq!(
        seen,
        [
            (virt(0x1000), PhysAddr(0x5000)),
            (virt(0x20_1000), PhysAddr(0x5000))
        ]
    );
    assert!(matches!(
        anomalies.as_slice(),
        [Anomaly::SharedTable { table }] if table.address == virt(0x20_0000) && table.reached == Reached::Again
    ));
}

struct Count {
    tables: u64,
    frames: u64,
    anomalies: Findings<Anomaly>,
    descend: Descend,
}

impl Visitor for Count {
    fn table(&mut self, _: &Table) -> Descend {
        self.tables += 1;
        self.descend
    }

    fn mapping(&mut self, mapping: &Mapping) -> ControlFlow<()> {
        self.frames += mapping.size.frames();
        ControlFlow::Continue(())
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        self.anomalies.push(anomaly);
    }
}

fn count(guest: &StillGuest, root: Root, descend: Descend, effort: &Effort) -> (Count, ControlFlow<()>) {
    let mut count = Count {
        tables: 0,
        frames: 0,
        anomalies: Findings::new(),
        descend,
    };
    let flow = Scanner::new(guest.memory(), Half::User, effort).scan(root, &mut count);
    (count, flow)
}

#[test]
fn a_table_full_of_itself_is_cut_off_where_the_effort_ends() {
    let mut guest = StillGuest::new(64);
    let root = guest.new_root();
    for index in 0..512 {
        guest.write(
            PhysAddr(root.table().start().0 + 8 * index),
            root.table().start().0 | PRESENT,
        );
    }
    let effort = Effort::of(40 * 512);
    let (count, flow) = count(&guest, root, Descend::Into, &effort);
    assert!(flow.is_break());
    assert_eq!(effort.cut(), 1);
    // Four tables lead to pages, and 511 pages cost as much as a table but for one entry.
    assert_eq!((count.tables, count.frames), (22, 40 * 512 - 22 * 512));
    // All but the first table are loops.
    let loops = (&count.anomalies).into_iter().take(21);
    assert!(
        loops.eq(count
            .anomalies
            .as_slice()
            .iter()
            .filter(|each| matches!(each, Anomaly::Loop { .. })))
    );
    assert!(matches!(
        (&count.anomalies).into_iter().last(),
        Some(Anomaly::Unfinished { .. })
    ));
}

#[test]
fn large_pages_cost_as_much_as_the_sets_of_their_frames() {
    let mut guest = StillGuest::new(1024);
    let root = guest.new_root();
    for gib in 0..2 {
        for page in 0..512 {
            guest.map(root, gib << 30 | page << 21, 0, PageSize::Mib2, USER);
        }
    }
    // Four tables, and for each page its entry and 512 bits.
    let enough = 4 * 512 + 1024 * (1 + 512 / 64);
    let (all, flow) = count(&guest, root, Descend::Into, &Effort::of(enough));
    assert!(flow.is_continue() && all.anomalies.is_empty());
    assert_eq!(all.frames, 1024 * 512);

    let (cut, flow) = count(&guest, root, Descend::Into, &Effort::of(enough - 1));
    assert!(flow.is_break());
    assert_eq!(cut.frames, 1023 * 512);
    let address = virt(1 << 30 | 511 << 21);
    assert_eq!(cut.anomalies.as_slice(), [Anomaly::Unfinished { address }]);
}

/// Three tables through which every user address of 1 GiB of memory leads to 512 frames.
fn aliasing() -> (StillGuest, Root) {
    let mut guest = StillGuest::new(1 << 18);
    let root = guest.new_root();
    guest.map_4k(root, 0, 0, USER | WRITABLE);
    for level in 0..4 {
        let first = guest.entry(root, 0, level);
        for index in 1..if level == 0 { 256 } else { 512 } {
            let value = guest.read(first) + if level == 3 { index << 12 } else { 0 };
            guest.write(PhysAddr(first.0 + 8 * index), value);
        }
    }
    (guest, root)
}

#[test]
fn all_that_looks_at_page_tables_together_looks_at_no_more_than_it_may_and_says_so() {
    let (guest, root) = aliasing();
    let space = Space { id: SpaceId(1), root };
    let effort = Effort::default();
    let owners = Owners::of_spaces(guest.memory(), &[space; 3], &effort);
    let kinds = |wanted: fn(&Anomaly) -> bool| {
        let anomalies = owners.anomalies().as_slice().iter();
        anomalies.filter(|each| wanted(&each.anomaly)).count() as u64 + owners.anomalies().omitted()
    };
    assert!(kinds(|anomaly| matches!(anomaly, Anomaly::SharedTable { .. })) > 0);
    assert!(kinds(|anomaly| matches!(anomaly, Anomaly::Unfinished { .. })) > 0);
    // Each gets what the others have left: in the end nothing.
    while effort.cut() == 0 {
        assert!(samples_of(guest.memory(), root, 8, &effort).len() <= 8);
    }
    let seen = mappings(guest.memory(), root, Half::User, &effort, |_| {
        panic!("nothing is left")
    });
    assert!(matches!(
        seen.as_slice(),
        [Anomaly::Unfinished { address: VirtAddr(0) }]
    ));
}

#[test]
fn what_the_visitor_passes_by_is_not_read() {
    let mut guest = StillGuest::new(64);
    let root = guest.new_root();
    guest.map_4k(root, 0x1000, 0x5000, USER);
    let (count, _) = count(&guest, root, Descend::Past, &Effort::default());
    assert_eq!((count.tables, count.frames), (1, 0));
}

#[test]
fn one_scanner_notices_tables_that_two_address_spaces_share() {
    let mut guest = StillGuest::new(64);
    let (first, second) = (guest.new_root(), guest.new_root());
    guest.map_4k(first, 0x1000, 0x5000, USER);
    guest.write(
        guest.entry(second, 0x1000, 0),
        guest.read(guest.entry(first, 0x1000, 0)),
    );

    let mut count = Count {
        tables: 0,
        frames: 0,
        anomalies: Findings::new(),
        descend: Descend::Into,
    };
    let effort = Effort::default();
    let mut scanner = Scanner::new(guest.memory(), Half::User, &effort);
    assert!(scanner.scan(first, &mut count).is_continue());
    assert!(count.anomalies.is_empty());
    assert!(scanner.scan(second, &mut count).is_continue());
    // PDPT, PD and PT.
    assert_eq!(count.anomalies.as_slice().len(), 3);
}
