//! The walker against another one.

use abi::paging::{ACCESSED, LARGE, PRESENT, USER, WRITABLE};
use vmm::address::{PhysAddr, VirtAddr};
use vmm::inspect::Effort;
use vmm::inspect::cross_check::cross_check;
use vmm::inspect::walk::{PageSize, Root, translate};

use crate::guest::{StillGuest, samples_of, virt};

fn guest() -> (StillGuest, Root) {
    let mut guest = StillGuest::new(64);
    let root = guest.new_root();
    guest.map_4k(root, 0x40_0000, 0x5000, USER | ACCESSED);
    guest.map_4k(root, 0x40_1000, 0x7000, USER | ACCESSED);
    guest.map_4k(root, 0x50_0000, 0x6000, USER);
    guest.map(
        root,
        0xffff_ffff_ffe0_0000,
        0,
        PageSize::Mib2,
        WRITABLE | ACCESSED,
    );
    (guest, root)
}

fn honest(guest: &StillGuest, root: Root, address: VirtAddr) -> Option<PhysAddr> {
    translate(guest.memory(), root, address)
        .ok()
        .map(|translation| translation.address)
}

#[test]
fn samples_are_the_edges_of_what_was_accessed() {
    let (guest, root) = guest();
    let expected = [
        0x3f_ffff,
        0x40_0000,
        0x40_1fff,
        0x40_2000,
        0xffff_ffff_ffdf_ffff,
        0xffff_ffff_ffe0_0000,
        u64::MAX,
    ];
    assert_eq!(
        samples_of(guest.memory(), root, 100, &Effort::default()),
        expected.map(virt)
    );
    assert_eq!(samples_of(guest.memory(), root, 3, &Effort::default()).len(), 3);
    assert_eq!(samples_of(guest.memory(), root, 0, &Effort::default()), []);
}

#[test]
fn kvm_is_not_asked_where_the_walk_finds_a_fault_of_the_guests_or_processors_differ() {
    let (mut guest, root) = guest();
    let before = samples_of(guest.memory(), root, 100, &Effort::default());
    // A reserved bit of an address, and another one further up.
    guest.map_4k(root, 0x4000_0000_0000, 1 << 51, ACCESSED);
    guest.map_4k(root, 0x4100_0000_0000, 0x5000, ACCESSED);
    let above = guest.entry(root, 0x4100_0000_0000, 1);
    guest.write(above, guest.read(above) | 1 << 51);
    guest.map(root, 0x5000_0000_0000, 0, PageSize::Gib1, USER | ACCESSED);
    guest.map(root, 0x5100_0000_0000, 0x20_0000, PageSize::Mib2, USER | ACCESSED);
    guest.map_4k(root, 0x6000_0000_0000, 0x5000, USER | ACCESSED);
    let top = guest.entry(root, 0x6000_0000_0000, 0);
    guest.write(top, guest.read(top) | LARGE | PRESENT);
    assert_eq!(samples_of(guest.memory(), root, 100, &Effort::default()), before);
}

#[test]
fn walkers_that_agree_give_no_findings() {
    let (guest, root) = guest();
    let addresses = samples_of(guest.memory(), root, 100, &Effort::default());
    let findings = cross_check(guest.memory(), root, addresses, |address| {
        honest(&guest, root, address)
    });
    assert!(findings.is_empty());
}

#[test]
fn every_kind_of_disagreement_is_found() {
    let (guest, root) = guest();
    let addresses = [0x3f_ffff, 0x40_0000, 0x40_1fff].map(virt);
    let findings = cross_check(guest.memory(), root, addresses, |address| match address {
        VirtAddr(0x40_0000) => None,
        address => Some(PhysAddr(
            honest(&guest, root, address).map_or(0, |right| right.0 + 0x1000),
        )),
    });
    let findings: Vec<_> = findings.into_iter().map(|finding| finding.to_string()).collect();
    assert_eq!(
        findings,
        [
            "0x3fffff: KVM translates to 0x0, the page walk to nothing",
            "0x400000: KVM translates to nothing, the page walk to 0x5000",
            "0x401fff: KVM translates to 0x8fff, the page walk to 0x7fff",
        ]
    );
}
