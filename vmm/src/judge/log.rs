//! The kernel's log, as much of it as a report holds.

use crate::printable::Printable;

/// Most lines that are kept, and most bytes of them.
const MAX_LINES: usize = 1000;
const MAX_BYTES: usize = 1 << 20;

/// The first lines, and how many more there were.
#[derive(Debug, Default)]
pub(super) struct Log {
    lines: Vec<Printable>,
    bytes: usize,
    left_out: u64,
}

impl Log {
    pub(super) fn note(&mut self, line: Printable) {
        let is_room = self.lines.len() < MAX_LINES && self.bytes + line.len() <= MAX_BYTES;
        if is_room && self.left_out == 0 {
            self.bytes += line.len();
            self.lines.push(line);
        } else {
            self.left_out += 1;
        }
    }

    /// The lines; the last of them says how many more there were, if there were more.
    pub(super) fn told(&self) -> Vec<Printable> {
        let left_out = Some(self.left_out).filter(|lines| *lines > 0);
        let left_out = left_out.map(|lines| format!("(and {lines} more lines)").into());
        self.lines.iter().cloned().chain(left_out).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_without_end_is_kept_up_to_a_limit_and_the_rest_is_counted() {
        for (line, most) in [("short", MAX_LINES), (&*"x".repeat(10_000), MAX_BYTES / 10_000)] {
            let mut log = Log::default();
            (0..most + 7).for_each(|_| log.note(line.into()));
            let told = log.told();
            assert_eq!(told.len(), most + 1);
            assert_eq!(told[most], "(and 7 more lines)");
        }
    }
}
