//! Memory full of anything: the inspector ends, does not panic, and does no more than its bounds allow.

use std::ops::ControlFlow;

use abi::paging::{ADDRESS_MASK, LARGE, PRESENT};
use proptest::prelude::*;
use vmm::address::{FrameNumber, Half, PhysAddr, VirtAddr};
use vmm::inspect::Effort;
use vmm::inspect::audit::{Policy, kernel, user};
use vmm::inspect::cross_check::cross_check;
use vmm::inspect::dirty::DirtyTracker;
use vmm::inspect::frame_table::{FrameTable, check};
use vmm::inspect::owners::Owners;
use vmm::inspect::walk::{
    Anomaly, Descend, Mapping, Root, Scanner, Table, Visitor, read, regions, translate,
};

use crate::guest::{StillGuest, samples_of};

const FRAMES: u64 = 48;
/// Entries that a scan may look at.
const ENTRIES: u64 = 1 << 16;

/// How much of memory looks like page tables that lead on.
#[derive(Clone, Copy, Debug)]
enum Garbage {
    /// Any bits.
    Noise,
    /// One word in so many is a present entry whose address lies in memory, the others are zero.
    Entries { one_in: u64, clear: u64 },
}

fn garbage() -> impl Strategy<Value = Garbage> {
    let clear = prop_oneof![Just(0), Just(LARGE)];
    prop_oneof![
        Just(Garbage::Noise),
        (1u64..400, clear).prop_map(|(one_in, clear)| Garbage::Entries { one_in, clear }),
    ]
}

fn fill(guest: &StillGuest, garbage: Garbage, seed: u64) {
    let mut state = seed;
    for word in 0..FRAMES * 512 {
        let noise = split_mix(&mut state);
        let value = match garbage {
            Garbage::Noise => noise,
            Garbage::Entries { one_in, .. } if !split_mix(&mut state).is_multiple_of(one_in) => 0,
            Garbage::Entries { clear, .. } => {
                let frame = split_mix(&mut state) % FRAMES;
                (noise & !ADDRESS_MASK & !clear) | frame << 12 | PRESENT
            }
        };
        guest.write(PhysAddr(word * 8), value);
    }
}

/// Fills 200 KiB from one number: proptest's own strategies are for small values.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[derive(Default)]
struct Work {
    tables: u64,
    pages: u64,
    unfinished: u64,
}

impl Visitor for Work {
    fn table(&mut self, table: &Table) -> Descend {
        assert!(table.frame.0 < FRAMES);
        self.tables += 1;
        Descend::Into
    }

    fn mapping(&mut self, _: &Mapping) -> ControlFlow<()> {
        self.pages += 1;
        ControlFlow::Continue(())
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        assert!(!anomaly.to_string().is_empty());
        self.unfinished += u64::from(matches!(anomaly, Anomaly::Unfinished { .. }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_gives_findings_and_nothing_worse(
        garbage in garbage(),
        seed in any::<u64>(),
        roots in prop::collection::vec(prop_oneof![3 => 0..FRAMES << 12, 1 => any::<u64>()], 1..4),
        addresses in prop::collection::vec(any::<u64>(), 20),
        (base, count) in (prop_oneof![0..FRAMES << 12, any::<u64>()], prop_oneof![0..=FRAMES, any::<u64>()]),
    ) {
        let guest = StillGuest::new(FRAMES as usize);
        fill(&guest, garbage, seed);
        let memory = guest.memory();
        let roots: Vec<_> = roots.into_iter().map(Root::from_cr3).collect();

        for &root in &roots {
            for half in [Half::User, Half::Kernel] {
                let mut work = Work::default();
                let effort = Effort::of(ENTRIES);
                let flow = Scanner::new(memory, half, &effort).scan(root, &mut work);
                prop_assert!(work.tables <= ENTRIES / 512);
                prop_assert!(work.pages <= ENTRIES);
                prop_assert_eq!(work.unfinished, u64::from(flow.is_break()));
                prop_assert_eq!(effort.cut(), work.unfinished);
                let (regions, _) = regions(memory, root, half, &Effort::default());
                prop_assert!(regions.as_slice().iter().all(|region| !region.to_string().is_empty()));
            }
            for &address in &addresses {
                let _ = translate(memory, root, VirtAddr(address));
                let _ = read(memory, root, VirtAddr(address), &mut [0; 5000]);
            }
            let asked = samples_of(memory, root, 50, &Effort::default());
            prop_assert!(asked.len() <= 50);
            let findings = cross_check(memory, root, asked, |address| {
                translate(memory, root, address).ok().map(|translation| translation.address)
            });
            prop_assert!(findings.is_empty());
        }

        let owners = guest.owners(&roots);
        prop_assert!(owners.by_frame().map(|(_, owners)| owners.len()).sum::<usize>() <= Owners::LIMIT);
        prop_assert!(owners.by_frame().all(|(frame, _)| frame.0 < FRAMES));
        let policy = Policy { kernel_only: &[], devices: &[], shared_on_purpose: &|_, _| false };
        let user_findings = user(&owners, &policy);
        prop_assert!(user_findings.as_slice().iter().all(|finding| !finding.to_string().is_empty()));
        for &root in &roots {
            let findings = kernel(memory, root, &owners, &Effort::default());
            prop_assert!(findings.as_slice().iter().all(|finding| !finding.to_string().is_empty()));
        }
        if let Ok(table) = FrameTable::read(memory, PhysAddr(base), count) {
            prop_assert!(table.iter().len() as u64 <= FRAMES);
            let findings = check(&table, &owners);
            prop_assert!(findings.as_slice().iter().all(|finding| !finding.to_string().is_empty()));
        }

        let mut tracker = DirtyTracker::new(FRAMES);
        tracker.record_range(FrameNumber(0)..FrameNumber(u64::MAX));
        prop_assert!(tracker.changed(memory).len() as u64 <= FRAMES);
    }
}
