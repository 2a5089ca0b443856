//! Each finding about a kernel half, and none about a sound one.

use abi::paging::{LARGE, NO_EXECUTE, PRESENT, USER, WRITABLE};
use vmm::address::{FrameNumber, VirtAddr};
use vmm::inspect::Effort;
use vmm::inspect::audit::{KernelFinding, KernelHalf, kernel};
use vmm::inspect::owners::{Owners, Space, SpaceId};

use vmm::inspect::walk::{Anomaly, Defect, PageSize, Root};

use crate::guest::{StillGuest, virt};

const BASE: u64 = 0xffff_ffff_8000_0000;

/// Code in frames 0x10 to 0x13, read-only data in 0x14, everything else writable; a user has one page.
fn sound_kernel() -> (StillGuest, Root) {
    let mut guest = StillGuest::new(64);
    let root = guest.new_root();
    for frame in 0..64 {
        let bits = match frame {
            0x10..0x14 => 0,
            0x14 => NO_EXECUTE,
            _ => WRITABLE | NO_EXECUTE,
        };
        guest.map_4k(root, BASE + (frame << 12), frame << 12, bits);
    }
    guest.map_4k(root, BASE + 0x4000_0000, 0xfee0_0000, WRITABLE | NO_EXECUTE);
    guest.map_4k(root, 0x40_0000, 0x5000, USER | WRITABLE);
    (guest, root)
}

fn audit(guest: &StillGuest, root: Root) -> Vec<KernelFinding> {
    kernel(guest.memory(), root, &guest.owners(&[root]), &Effort::default())
        .into_iter()
        .collect()
}

#[test]
fn a_sound_kernel_gives_no_findings() {
    let (guest, root) = sound_kernel();
    assert_eq!(audit(&guest, root), []);
}

#[test]
fn a_kernel_half_is_as_it_was_until_one_of_its_tables_is_another() {
    let (mut guest, root) = sound_kernel();
    let half = KernelHalf::scan(guest.memory(), root, &Effort::default());
    guest.map_4k(root, 0x40_1000, 0x6000, USER | WRITABLE);
    assert!(
        half.is_as_it_was(guest.memory()),
        "the user half is not part of it"
    );
    for levels in 1..=3 {
        let entry = guest.entry(root, BASE, levels);
        let before = guest.read(entry);
        guest.write(entry, before ^ NO_EXECUTE);
        assert!(!half.is_as_it_was(guest.memory()), "{levels} below the top");
        guest.write(entry, before);
        assert!(half.is_as_it_was(guest.memory()));
    }
}

#[test]
fn another_address_space_has_the_same_kernel_half_when_its_top_table_leads_to_the_same_tables() {
    let (mut guest, root) = sound_kernel();
    let half = KernelHalf::scan(guest.memory(), root, &Effort::default());
    let other = guest.new_root();
    assert!(half.is_of(guest.memory(), root) && !half.is_of(guest.memory(), other));
    let top = guest.read(guest.entry(root, BASE, 0));
    guest.write(guest.entry(other, BASE, 0), top);
    assert!(half.is_of(guest.memory(), other));
    guest.write(guest.entry(root, BASE, 0), 0);
    assert!(!half.is_of(guest.memory(), root));
}

#[test]
fn what_was_wrong_once_is_looked_at_again_in_any_case() {
    let (mut guest, root) = sound_kernel();
    guest.map_4k(root, BASE + 0x20_000, 0x20_000, WRITABLE);
    let half = KernelHalf::scan(guest.memory(), root, &Effort::default());
    assert!(!half.is_as_it_was(guest.memory()));
}

#[test]
fn a_mapping_that_is_writable_and_executable_is_found() {
    let (mut guest, root) = sound_kernel();
    for frame in 0x20..0x22 {
        guest.map_4k(root, BASE + (frame << 12), frame << 12, WRITABLE);
    }
    let findings = audit(&guest, root);
    assert!(matches!(
        findings.as_slice(),
        [KernelFinding::WritableAndExecutable { .. }]
    ));
    assert_eq!(
        findings[0].to_string(),
        "kernel mapping 0xffffffff80020000..=0xffffffff80021fff (kernel rwx) is both writable and executable"
    );
}

#[test]
fn code_that_is_writable_through_another_mapping_is_found_as_one_run() {
    let (mut guest, root) = sound_kernel();
    for frame in 0x11..0x13 {
        guest.map_4k(
            root,
            BASE + 0x100_0000 + (frame << 12),
            frame << 12,
            WRITABLE | NO_EXECUTE,
        );
    }
    let findings = audit(&guest, root);
    let [KernelFinding::WritableAlias { alias }] = findings.as_slice() else {
        panic!("{findings:?}")
    };
    assert_eq!((alias.first, alias.frames), (FrameNumber(0x11), 2));
    assert_eq!(alias.executable_at, VirtAddr(BASE + 0x1_1000));
    assert_eq!(alias.writable_at, VirtAddr(BASE + 0x101_1000));
    assert_eq!(
        findings[0].to_string(),
        "kernel code at 0xffffffff80011000 is writable at 0xffffffff81011000: 2 frames from 0x11 are mapped at both"
    );
}

#[test]
fn an_alias_inside_a_large_page_is_found() {
    let (mut guest, root) = sound_kernel();
    guest.map(root, BASE + 0x100_0000, 0, PageSize::Mib2, WRITABLE | NO_EXECUTE);
    let findings = audit(&guest, root);
    let [KernelFinding::WritableAlias { alias }] = findings.as_slice() else {
        panic!("{findings:?}")
    };
    assert_eq!((alias.first, alias.frames), (FrameNumber(0x10), 4));
    assert_eq!(alias.writable_at, VirtAddr(BASE + 0x101_0000));
}

#[test]
fn kernel_code_that_a_user_can_write_is_found() {
    let (mut guest, root) = sound_kernel();
    guest.map_4k(root, 0x40_1000, 0x1_2000, USER | WRITABLE | NO_EXECUTE);
    let findings = audit(&guest, root);
    let [
        KernelFinding::WritableByUser {
            frame,
            executable_at,
            owner,
        },
    ] = findings.as_slice()
    else {
        panic!("{findings:?}")
    };
    assert_eq!(
        (*frame, *executable_at),
        (FrameNumber(0x12), virt(BASE + 0x1_2000))
    );
    assert_eq!(owner.address, virt(0x40_1000));
    assert_eq!(
        findings[0].to_string(),
        "kernel code at 0xffffffff80012000 is writable by process 1 at 0x401000 (user rw-): both map frame 0x12"
    );
}

#[test]
fn a_kernel_mapping_that_users_can_access_is_found() {
    let (mut guest, root) = sound_kernel();
    guest.map_4k(root, BASE + 0x2_0000, 0x2_0000, USER | NO_EXECUTE);
    let findings = audit(&guest, root);
    assert!(matches!(
        findings.as_slice(),
        [KernelFinding::UserAccessible { region }] if region.start == virt(BASE + 0x2_0000)
    ));
    assert_eq!(
        findings[0].to_string(),
        "kernel mapping 0xffffffff80020000..=0xffffffff80020fff (user r--) is accessible to users"
    );
}

#[test]
fn odd_tables_are_found() {
    let (guest, root) = sound_kernel();
    guest.write(
        guest.entry(root, 0xffff_8000_0000_0000, 0),
        0x1000 | LARGE | PRESENT,
    );
    let findings = audit(&guest, root);
    assert!(matches!(
        findings.as_slice(),
        [KernelFinding::Anomaly {
            anomaly: Anomaly::Malformed {
                defect: Defect::ReservedBit,
                ..
            }
        }]
    ));
    assert!(
        findings[0]
            .to_string()
            .starts_with("in the kernel half: the entry for 0xffff800000000000 is malformed")
    );
}

/// Owners in two address spaces with one kernel half, scanned or taken from what is known of it.
fn owners_in_two_spaces(guest: &StillGuest, roots: [Root; 2], half: Option<&KernelHalf>) -> Owners {
    let spaces = [1, 2].map(SpaceId);
    let spaces: Vec<Space> = std::iter::zip(spaces, roots)
        .map(|(id, root)| Space { id, root })
        .collect();
    let known = |root| half.filter(|half| half.is_of(guest.memory(), root))?.tables();
    Owners::of_spaces_some_known(guest.memory(), &spaces, &Effort::default(), known)
}

#[test]
fn a_kernel_half_that_is_known_has_the_tables_that_another_scan_finds() {
    let (mut guest, root) = sound_kernel();
    guest.map(root, BASE - (1 << 40), 0, PageSize::Mib2, NO_EXECUTE);
    let other = guest.new_root();
    guest.map_4k(other, 0x50_0000, 0x7000, USER);
    for address in [BASE, BASE - (1 << 40)] {
        let top = guest.read(guest.entry(root, address, 0));
        guest.write(guest.entry(other, address, 0), top);
    }
    let half = KernelHalf::scan(guest.memory(), root, &Effort::default());
    let scanned = owners_in_two_spaces(&guest, [root, other], None);
    let known = owners_in_two_spaces(&guest, [root, other], Some(&half));
    assert!(half.tables().is_some_and(|tables| tables.len() > 4));
    assert_eq!(known.tables(), scanned.tables());
    // The second space has the tables below its own top as the first one's.
    let of_second = scanned.tables().iter().filter(|table| table.space == SpaceId(2));
    assert!(
        of_second.clone().all(|table| table.address.0 < 1 << 47),
        "{of_second:?}"
    );
}

#[test]
fn a_kernel_half_in_which_something_is_wrong_is_scanned_again() {
    let (mut guest, root) = sound_kernel();
    guest.map_4k(root, BASE + 0x20_000, 0x20_000, WRITABLE);
    let half = KernelHalf::scan(guest.memory(), root, &Effort::default());
    assert_eq!(half.tables(), None);
}
