//! A kernel's log on a serial port, read line by line. What stands in it is a claim, as everything that a guest says.
//!
//! Some lines are reports. They are those of Linux on x86-64 (`arch/x86/mm/fault.c` and `arch/x86/kernel/traps.c`):
//!
//! ```text
//! agent[65]: segfault at 7f00 ip 401b2f sp 7ffd00 error 6 in agent[400000+9000]
//! traps: agent[65] trap divide error ip:401b2f sp:7ffd00 error:0 in agent[400000+9000]
//! Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100
//! ```

use std::collections::VecDeque;

use super::event::{Event, FatalFault};
use crate::printable::Printable;

/// Longest line; what is longer counts as several.
const MAX_LINE_BYTES: usize = 4096;
/// Lines that are kept for who asks how the kernel ended.
const LAST_LINES: usize = 8;
const PAGE_FAULT: u8 = 14;

/// What a kernel has logged.
#[derive(Debug, Default)]
pub struct Log {
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    last: VecDeque<Printable>,
}

impl Log {
    /// Takes more of the log, and gives what it says.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                self.partial.push(*byte);
                if self.partial.len() < MAX_LINE_BYTES {
                    continue;
                }
            }
            let line = std::mem::take(&mut self.partial);
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            events.extend(self.line(line));
        }
        events
    }

    /// The last lines, the part of one that has come of the next included.
    #[must_use]
    pub fn last_lines(&self) -> Vec<Printable> {
        let partial = (!self.partial.is_empty()).then(|| Printable::from_bytes(without_time(&self.partial)));
        self.last.iter().cloned().chain(partial).collect()
    }

    fn line(&mut self, line: &[u8]) -> Vec<Event> {
        let line = without_time(line);
        let message = Printable::from_bytes(line);
        self.last.push_back(message.clone());
        if self.last.len() > LAST_LINES {
            self.last.pop_front();
        }
        let text = String::from_utf8_lossy(line);
        let report = panic(&text).or_else(|| fault(&text).map(Event::FatalFault));
        [Event::Log { message }].into_iter().chain(report).collect()
    }
}

/// A line without the time of day that stands before it, `[    1.234567] `: what is reported must be the same in each run.
fn without_time(line: &[u8]) -> &[u8] {
    let is_time = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'.');
    let Some(rest) = line.strip_prefix(b"[") else {
        return line;
    };
    match rest.iter().position(|byte| !is_time(byte)) {
        Some(end) => rest[end..].strip_prefix(b"] ").unwrap_or(line),
        None => line,
    }
}

fn panic(line: &str) -> Option<Event> {
    let (_, message) = line.split_once("Kernel panic - not syncing: ")?;
    Some(Event::Panic {
        message: Printable::from_bytes(message.as_bytes()),
    })
}

fn fault(line: &str) -> Option<FatalFault> {
    page_fault(line).or_else(|| trap(line))
}

fn page_fault(line: &str) -> Option<FatalFault> {
    let (before, after) = line.split_once("]: segfault at ")?;
    let (address, _) = after.split_once(' ')?;
    Some(FatalFault {
        pid: before.rsplit_once('[')?.1.parse().ok()?,
        vector: PAGE_FAULT.into(),
        error_code: hex_after(after, " error ")?,
        address: u64::from_str_radix(address, 16).ok()?,
        rip: hex_after(after, " ip ")?,
    })
}

fn trap(line: &str) -> Option<FatalFault> {
    /// Linux's words for an exception, and its vector (Intel SDM volume 3, "Exception and Interrupt Reference").
    const TRAPS: [(&str, u8); 5] = [
        ("trap divide error", 0),
        ("trap int3", 3),
        ("trap invalid opcode", 6),
        ("trap stack segment", 12),
        ("general protection fault", 13),
    ];
    let (_, after) = line.split_once("traps: ")?;
    let (vector, rest) = TRAPS
        .iter()
        .find_map(|(words, vector)| Some((vector, after.split_once(words)?.1)))?;
    let (before, _) = after.split_once(']')?;
    Some(FatalFault {
        pid: before.rsplit_once('[')?.1.parse().ok()?,
        vector: (*vector).into(),
        error_code: hex_after(rest, " error:")?,
        address: 0,
        rip: hex_after(rest, " ip:")?,
    })
}

/// The hexadecimal number behind these words.
fn hex_after(text: &str, words: &str) -> Option<u64> {
    let (_, after) = text.split_once(words)?;
    let end = after.find(|character: char| !character.is_ascii_hexdigit());
    u64::from_str_radix(&after[..end.unwrap_or(after.len())], 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reports(log: &[u8]) -> Vec<Event> {
        let events = Log::default().add(log).into_iter();
        events
            .filter(|event| !matches!(event, Event::Log { .. }))
            .collect()
    }

    #[test]
    fn a_segfault_is_a_fault_with_its_address() {
        let log = b"[    1.23] agent[65]: segfault at 7f00 ip 0000000000401b2f sp 00007ffd error 6 in agent[400000+9000]\r\n";
        let fault = FatalFault {
            pid: 65,
            vector: 14,
            error_code: 6,
            address: 0x7f00,
            rip: 0x40_1b2f,
        };
        assert_eq!(reports(log), [Event::FatalFault(fault)]);
    }

    #[test]
    fn other_exceptions_have_their_vectors() {
        for (words, vector) in [("trap divide error", 0), ("general protection fault", 13)] {
            let log =
                format!("traps: ucore-x[7] {words} ip:401000 sp:7ffd00 error:0 in ucore-x[400000+1000]\n");
            let [Event::FatalFault(fault)] = reports(log.as_bytes())[..] else {
                panic!("{log}")
            };
            assert_eq!((fault.pid, fault.vector, fault.rip), (7, vector, 0x40_1000));
        }
    }

    #[test]
    fn a_panic_says_why() {
        let reports = reports(b"Kernel panic - not syncing: VFS: no root\n");
        assert!(matches!(&reports[..], [Event::Panic { message }] if message.as_str() == "VFS: no root"));
    }

    #[test]
    fn lines_come_in_pieces_and_nonsense_reports_nothing() {
        let mut log = Log::default();
        assert_eq!(log.add(b"agent[65]: segf"), []);
        assert_eq!(
            log.add(b"ault at nowhere\nx[]: segfault at \n\xff\xfe traps: \n")
                .len(),
            3
        );
        assert_eq!(log.last_lines().len(), 3);
    }

    #[test]
    fn the_time_before_a_line_is_no_part_of_it() {
        let mut log = Log::default();
        log.add(b"[    1.234567] up\n[drm] no time\n[ 2.5");
        let lines = log.last_lines();
        let lines: Vec<&str> = lines.iter().map(Printable::as_str).collect();
        assert_eq!(lines, ["up", "[drm] no time", "[ 2.5"]);
    }

    #[test]
    fn a_line_without_end_is_cut_and_few_are_kept() {
        let mut log = Log::default();
        assert_eq!(log.add(&vec![b'x'; 3 * MAX_LINE_BYTES]).len(), 3);
        log.add(&[b'\n'; 100]);
        assert_eq!(log.last_lines().len(), LAST_LINES);
    }
}
