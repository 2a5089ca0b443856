//! `--times`: how long the parts of each run took.

use std::io;

use vmm::journal::{Entry, Reader};
use vmm::report::Spent;

use super::table::table;

const COLUMNS: [&str; 8] = [
    "whole run",
    "boot",
    "steps",
    "half within",
    "audits",
    "half within",
    "all audits",
    "scenario (times in ms)",
];

/// Notes what each run took, and tells of it on standard error when all have ended.
#[derive(Default)]
pub(super) struct Times {
    rows: Vec<[String; 8]>,
}

impl Reader for Times {
    fn read(&mut self, entry: Entry<'_>) -> io::Result<()> {
        match entry {
            Entry::RunEnded { report, .. } => {
                let cost = report.cost;
                let [steps, step, _] = cells(cost.steps);
                let [audits, audit, all_audits] = cells(cost.audits);
                self.rows.push([
                    milliseconds(cost.wall_microseconds),
                    cost.boot_microseconds.map_or_else(String::new, milliseconds),
                    steps,
                    step,
                    audits,
                    audit,
                    all_audits,
                    report.scenario.to_string(),
                ]);
            }
            Entry::Ended { .. } => {
                let mut table = table(&COLUMNS, COLUMNS.len() - 1);
                table.add_rows(self.rows.drain(..));
                eprintln!("{}", table.trim_fmt());
            }
            _ => {}
        }
        Ok(())
    }
}

fn cells(spent: Spent) -> [String; 3] {
    [
        spent.count.to_string(),
        spent.median_microseconds.map_or_else(String::new, milliseconds),
        milliseconds(spent.total_microseconds),
    ]
}

fn milliseconds(microseconds: u64) -> String {
    format!("{:.3}", microseconds as f64 / 1000.0)
}
