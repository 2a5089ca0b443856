//! The inspector closes its table, and the target ends.

use guest_user::{let_others_finish, println};

use crate::Race;

const INSPECTOR: u64 = 0;
const TARGET: u64 = 1;
const CLOSED: u64 = 1;
const TAKEN_BACK: u64 = 2;

pub(crate) fn race(race: &Race) {
    race.range.store(0, 1);
    let target = race.racers.start(|| {
        race.range.store(0, 2);
        race.racers.line_up(TARGET);
    });
    let inspector = race.racers.start(|| {
        let table = race.open(target);
        race.calls.start().expect("shadowpt_start");
        race.racers.line_up(INSPECTOR);
        if race.calls.close().is_ok() {
            race.racers.found(INSPECTOR, CLOSED);
        }
        let_others_finish(1);
        if table.entries().load_u64(0) == 0 {
            race.racers.found(INSPECTOR, CLOSED | TAKEN_BACK);
        }
    });
    race.racers.run([inspector, target]);
    println!("closed: {}", race.racers.finding(INSPECTOR) & CLOSED != 0);
    println!(
        "the inspector's memory is its own: {}",
        race.racers.finding(INSPECTOR) & TAKEN_BACK != 0
    );
    println!("the table is free afterwards: {}", race.table_is_free());
}
