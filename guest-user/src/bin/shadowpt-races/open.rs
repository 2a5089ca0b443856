//! Three processes open a table at the same time.

use abi::linux::errno::EBUSY;
use guest_user::syscall::{Errno, process};
use guest_user::{ShadowTable, let_others_finish, println};

use crate::Race;

const OPENED: u64 = 1;
const BUSY: u64 = 2;
const OTHERWISE: u64 = 3;

pub(crate) fn race(race: &Race) {
    let target = process::process_id();
    let (start, end) = (race.range.address(), race.range.end());
    let racers = [0, 1, 2].map(|number| {
        race.racers.start(|| {
            let table = ShadowTable::map(start, end).expect("mmap");
            race.racers.line_up(number);
            let found = match race.calls.open(target, start, end, table.entries()) {
                Ok(_) => OPENED,
                Err(Errno(EBUSY)) => BUSY,
                Err(_) => OTHERWISE,
            };
            race.racers.found(number, found);
            // The end of the one who has it would let another one have it; in which order they end is no race.
            let_others_finish(1 + number);
        })
    });
    race.racers.run(racers);
    let count = |what| (0..3).filter(|&racer| race.racers.finding(racer) == what).count();
    println!("opened: {}", count(OPENED));
    println!("busy: {}", count(BUSY));
    println!("the table is free afterwards: {}", race.table_is_free());
}
