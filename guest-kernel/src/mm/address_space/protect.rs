//! mprotect: pages keep their contents and change what may be done with them.

use abi::linux::mman::{PROT_EXEC, PROT_READ, PROT_WRITE};

use super::super::address::{PageRange, VirtAddr, round_up_to_page};
use super::super::page_table::Entry;
use super::map::check_commitment;
use super::{AddressSpace, Protection};
use crate::errno::Errno;
use crate::mutant::{self, Mutant};
use crate::shadowpt;

/// A bit that Linux allows and this processor gives no meaning (`PROT_SEM`).
const PROT_SEM: u64 = 8;

impl AddressSpace {
    /// The system call. A hole ends it with ENOMEM; areas before the hole are changed by then, as on Linux.
    pub(crate) fn protect(&mut self, start: VirtAddr, bytes: u64, bits: u64) -> Result<(), Errno> {
        if !start.is_page_aligned() {
            return Err(Errno::EINVAL);
        }
        if bytes == 0 {
            return Ok(());
        }
        // A length that wraps to nothing and a range that wraps around are alike: there is no such memory.
        let range = round_up_to_page(bytes).filter(|&bytes| bytes > 0);
        let range = range
            .and_then(|bytes| PageRange::from_length(start, bytes))
            .ok_or(Errno::ENOMEM)?;
        if bits & !(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM) != 0 {
            return Err(Errno::EINVAL);
        }
        let protection = Protection::from_bits_truncated(bits);

        let (covered, result) = self.covered_without_hole(range);
        let is_half = result.is_err() && mutant::is(Mutant::MprotectHoleChangesNothing);
        if !covered.is_empty() && !is_half {
            self.protect_covered(covered, protection)?;
        }
        result
    }

    /// The part of the range before its first hole, and ENOMEM if there is one.
    pub(super) fn covered_without_hole(&self, range: PageRange) -> (PageRange, Result<(), Errno>) {
        let mut end = range.start();
        for area in self.areas.overlapping(range) {
            if area.range.start() > end {
                break;
            }
            end = area.range.end();
        }
        if end < range.end() {
            (PageRange::new(range.start(), end), Err(Errno::ENOMEM))
        } else {
            (range, Ok(()))
        }
    }

    fn protect_covered(&mut self, range: PageRange, protection: Protection) -> Result<(), Errno> {
        for area in self.areas.overlapping(range) {
            if protection.allows_write() && !area.backing.may_be_written() {
                return Err(Errno::EACCES);
            }
            let newly_writable = protection.allows_write() && !area.protection.allows_write();
            if let Some(part) = area.range.intersection(&range).filter(|_| newly_writable) {
                check_commitment(part, protection, area.flags, &area.backing)?;
            }
        }
        self.areas.reserve_change()?;
        self.areas.change(range, |area| area.protection = protection);
        self.page_table
            .update(range, |_, entry| protected(entry, protection));
        shadowpt::protection_changed(&self.page_table, range);
        Ok(())
    }
}

fn protected(entry: Entry, protection: Protection) -> Entry {
    let changed = entry.with_protection(protection);
    if entry.is_writable() && mutant::is(Mutant::MprotectKeepsWritable) {
        return changed.with_writable(Protection::READ_WRITE);
    }
    if entry.is_present() && protection.allows_write() && mutant::is(Mutant::MprotectWritesShared) {
        return changed.with_writable(Protection::READ_WRITE);
    }
    changed
}
