//! Whatever is mapped is what the walker, the scanner and the owners see, and nothing else.

use std::collections::BTreeMap;

use abi::paging::{NO_EXECUTE, USER, WRITABLE};
use proptest::prelude::*;
use proptest::sample::select;
use vmm::address::{FrameNumber, Half, PhysAddr, VirtAddr};
use vmm::inspect::Effort;
use vmm::inspect::walk::{PageSize, Permissions, WalkError, mappings, translate};

use crate::guest::StillGuest;

const FRAMES: u64 = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Page {
    target: PhysAddr,
    size: PageSize,
    bits: u64,
}

impl Page {
    fn permissions(self) -> Permissions {
        Permissions {
            user: self.bits & USER != 0,
            writable: self.bits & WRITABLE != 0,
            executable: self.bits & NO_EXECUTE == 0,
        }
    }
}

/// Page addresses that share tables often and lie at the edges of them. Each size has entries of its own.
fn pages() -> impl Strategy<Value = (u64, Page)> {
    let top = select(vec![0u64, 255, 0x1ff_ff00, 0x1ff_ffff]);
    let bits = (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(user, writable, no_execute)| {
        u64::from(user) * USER + u64::from(writable) * WRITABLE + u64::from(no_execute) * NO_EXECUTE
    });
    let place = prop_oneof![
        6 => (select(vec![0u64, 511]), select(vec![0u64, 1, 511]), select(vec![0u64, 7, 511]), 0..FRAMES)
            .prop_map(|(pdpt, pd, pt, frame)| (pdpt << 30 | pd << 21 | pt << 12, frame << 12, PageSize::Kib4)),
        2 => (select(vec![0u64, 511]), select(vec![2u64, 3]), 0u64..4)
            .prop_map(|(pdpt, pd, page)| (pdpt << 30 | pd << 21, page << 21, PageSize::Mib2)),
        1 => (1u64..3, 0u64..4).prop_map(|(pdpt, page)| (pdpt << 30, page << 30, PageSize::Gib1)),
    ];
    (top, place, bits).prop_map(|(top, (lower, target, size), bits)| {
        (
            top << 39 | lower,
            Page {
                target: PhysAddr(target),
                size,
                bits,
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_mapped_is_what_is_seen(
        never_mapped in prop::collection::vec(pages().prop_map(|(address, _)| address), 0..4),
        model in prop::collection::vec(pages(), 0..40),
        offset in any::<u64>(),
    ) {
        let model: BTreeMap<u64, Page> = model.into_iter().collect();
        let mut guest = StillGuest::new(FRAMES as usize);
        let root = guest.new_root();
        for (&address, page) in &model {
            guest.map(root, address, page.target.0, page.size, page.bits);
        }

        for (&address, page) in &model {
            let offset = offset % page.size.bytes();
            let translation = translate(guest.memory(), root, VirtAddr(address + offset)).unwrap();
            prop_assert_eq!(translation.address, PhysAddr(page.target.0 + offset));
            prop_assert_eq!(translation.size, page.size);
            prop_assert_eq!(translation.permissions, page.permissions());
        }
        for address in never_mapped.into_iter().filter(|address| !model.contains_key(address)) {
            let result = translate(guest.memory(), root, VirtAddr(address));
            prop_assert!(matches!(result, Err(WalkError::NotPresent { .. })), "{:?}", result);
        }

        let mut seen = BTreeMap::new();
        for half in [Half::User, Half::Kernel] {
            let anomalies = mappings(guest.memory(), root, half, &Effort::default(), |mapping| {
                assert_eq!(mapping.address.half(), Some(half));
                seen.insert(mapping.address.0, (mapping.target, mapping.size, mapping.permissions));
            });
            prop_assert!(anomalies.is_empty());
        }
        let expected: BTreeMap<_, _> =
            model.iter().map(|(&at, page)| (at, (page.target, page.size, page.permissions()))).collect();
        prop_assert_eq!(seen, expected);

        let mut owned = BTreeMap::new();
        for (&address, page) in model.iter().filter(|(address, _)| **address < abi::paging::USER_END) {
            for index in 0..page.size.frames() {
                let frame = FrameNumber(page.target.frame().0 + index);
                if frame.0 < FRAMES {
                    owned.insert((frame, address + (index << 12)), page.permissions());
                }
            }
        }
        let mut seen = BTreeMap::new();
        for (frame, owners) in guest.owners(&[root]).by_frame() {
            seen.extend(owners.map(|owner| ((frame, owner.address.0), owner.permissions)));
        }
        prop_assert_eq!(seen, owned);
    }
}
