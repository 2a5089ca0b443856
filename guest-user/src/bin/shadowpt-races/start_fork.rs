//! The inspector starts, and the target forks and stores to a page that its child has too.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use guest_user::syscall::process::{self, Fork};
use guest_user::{ShadowTable, Span, let_others_finish, println};

use crate::{PAGES, Race};

const INSPECTOR: u64 = 0;
const TARGET: u64 = 1;
/// What the target stores: to all pages before the race, and to the first one in it.
const BEFORE: u8 = 1;
const AFTER: u8 = 2;

pub(crate) fn race(race: &Race) {
    let target = race.racers.start(|| {
        (0..PAGES).for_each(|page| race.range.store(page * PAGE_SIZE, BEFORE));
        race.racers.line_up(TARGET);
        match process::fork().expect("fork") {
            Fork::Child => process::exit(0),
            Fork::Parent(child) => {
                race.range.store(0, AFTER);
                process::wait(child, 0).expect("wait4");
            }
        }
        let_others_finish(2);
    });
    let inspector = race.racers.start(|| {
        let table = race.open(target);
        let buffer = Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
        race.racers.line_up(INSPECTOR);
        race.calls.start().expect("shadowpt_start");
        let_others_finish(1);
        let right = (0..PAGES).filter(|&page| is_right(race, table, page, buffer));
        race.racers.found(INSPECTOR, right.count() as u64);
    });
    race.racers.run([inspector, target]);
    println!(
        "pages that are what the target has: {}",
        race.racers.finding(INSPECTOR)
    );
    println!("the table is free afterwards: {}", race.table_is_free());
}

/// Whether the frame in the table has what the target stored.
fn is_right(race: &Race, table: ShadowTable, page: u64, buffer: Span) -> bool {
    let contents = race.calls.page_contents(table.entry(page).pfn, buffer);
    let expected = if page == 0 { AFTER } else { BEFORE };
    contents.is_ok() && buffer.load(0) == expected
}
