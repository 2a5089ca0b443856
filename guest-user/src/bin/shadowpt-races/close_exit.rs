//! The inspector closes its table, and the target ends.

use guest_user::println;

use crate::{Race, let_others_finish};

const INSPECTOR: u64 = 0;
const TARGET: u64 = 1;
const CLOSED: u64 = 1;
const TAKEN_BACK: u64 = 2;

pub(crate) fn race(race: &Race) {
    race.range.store(0, 1);
    let target = race.racer(|| {
        race.range.store(0, 2);
        race.line_up(TARGET);
    });
    let inspector = race.racer(|| {
        let table = race.open(target);
        race.calls.start().expect("shadowpt_start");
        race.line_up(INSPECTOR);
        if race.calls.close().is_ok() {
            race.found(INSPECTOR, CLOSED);
        }
        let_others_finish(1);
        if table.entries().load_u64(0) == 0 {
            race.found(INSPECTOR, CLOSED | TAKEN_BACK);
        }
    });
    race.run([inspector, target]);
    println!("closed: {}", race.finding(INSPECTOR) & CLOSED != 0);
    println!(
        "the inspector's memory is its own: {}",
        race.finding(INSPECTOR) & TAKEN_BACK != 0
    );
    println!("the table is free afterwards: {}", race.table_is_free());
}
