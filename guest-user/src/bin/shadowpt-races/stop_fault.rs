//! The inspector stops, and the target brings in one page after the other.

use abi::PAGE_SIZE;
use abi::shadowpt::SPTE_PTE_MAPPED;
use guest_user::{ShadowTable, let_others_finish, println};

use crate::{PAGES, Race};

const INSPECTOR: u64 = 0;
const TARGET: u64 = 1;
/// Bits of what the inspector has found.
const IN_ORDER: u64 = 1;
const STILL: u64 = 2;

pub(crate) fn race(race: &Race) {
    let target = race.racers.start(|| {
        race.racers.line_up(TARGET);
        (0..PAGES).for_each(|page| race.range.store(page * PAGE_SIZE, 1));
    });
    let inspector = race.racers.start(|| {
        let table = race.open(target);
        race.calls.start().expect("shadowpt_start");
        race.racers.line_up(INSPECTOR);
        race.calls.stop().expect("shadowpt_stop");
        let stopped = mapped_pages(table);
        let_others_finish(1);
        let in_order = (0..PAGES).all(|page| is_mapped(table, page) == (page < stopped));
        let still = mapped_pages(table) == stopped;
        let found = |is_so: bool, bit| if is_so { bit } else { 0 };
        race.racers
            .found(INSPECTOR, found(in_order, IN_ORDER) | found(still, STILL));
    });
    race.racers.run([inspector, target]);
    println!(
        "the pages that are there came first: {}",
        race.racers.finding(INSPECTOR) & IN_ORDER != 0
    );
    println!(
        "after stop nothing changes: {}",
        race.racers.finding(INSPECTOR) & STILL != 0
    );
    println!("the table is free afterwards: {}", race.table_is_free());
}

fn mapped_pages(table: ShadowTable) -> u64 {
    (0..PAGES).filter(|&page| is_mapped(table, page)).count() as u64
}

/// Of a page that is mapped the frame is known, of one that is not there is none.
fn is_mapped(table: ShadowTable, page: u64) -> bool {
    let entry = table.entry(page);
    let is_mapped = entry.state_flags & SPTE_PTE_MAPPED != 0;
    assert!(is_mapped == (entry.pfn != 0), "a frame where one is mapped");
    is_mapped
}
