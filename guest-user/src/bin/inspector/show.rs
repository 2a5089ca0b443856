//! The table, line by line.

use core::fmt;

use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::shadowpt::{SPTE_PTE_MAPPED, SPTE_VADDR_ALLOCATED, SPTE_VADDR_ANONYMOUS, ShadowPte};
use guest_user::{ShadowTable, Span, println};

use crate::names::Names;
use crate::options::{Amount, Frames, Options};

/// What is remembered of each page: its frame and its flags.
const REMEMBERED_BYTES: u64 = 16;

/// The table, and what was shown of it before.
pub(crate) struct Display {
    table: ShadowTable,
    names: Option<Names>,
    before: Option<Span>,
    seconds: u64,
}

impl Display {
    pub(crate) fn of(table: ShadowTable, options: Options) -> Self {
        let before = match options.amount {
            Amount::All => None,
            Amount::Changes => {
                let bytes = table.pages() * REMEMBERED_BYTES;
                Some(Span::map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap"))
            }
        };
        Self {
            table,
            names: (options.frames == Frames::Names).then(Names::none),
            before,
            seconds: 0,
        }
    }

    /// Shows it as it is now. A second later it is called again.
    pub(crate) fn show(&mut self) {
        let changes = (0..self.table.pages()).filter(|&index| self.is_to_be_shown(index));
        if changes.count() == 0 {
            println!("after {} s: no change", self.seconds);
        } else {
            println!("after {} s:", self.seconds);
        }
        for index in 0..self.table.pages() {
            if self.is_to_be_shown(index) {
                let entry = self.table.entry(index);
                self.line(entry);
                self.remember(index, entry);
            }
        }
        self.seconds += 1;
    }

    fn is_to_be_shown(&self, index: u64) -> bool {
        let Some(before) = self.before.filter(|_| self.seconds > 0) else {
            return true;
        };
        let entry = self.table.entry(index);
        let [pfn, flags] = [0, 8].map(|offset| before.load_u64(index * REMEMBERED_BYTES + offset));
        (entry.pfn, entry.state_flags) != (pfn, flags)
    }

    fn remember(&self, index: u64, entry: ShadowPte) {
        if let Some(before) = self.before {
            before.store_u64(index * REMEMBERED_BYTES, entry.pfn);
            before.store_u64(index * REMEMBERED_BYTES + 8, entry.state_flags);
        }
    }

    fn line(&mut self, entry: ShadowPte) {
        let flags = Flags(entry.state_flags);
        match &mut self.names {
            _ if entry.pfn == 0 => println!("  {:#x}  -  {flags}", entry.vaddr),
            Some(names) => println!("  {:#x}  {}  {flags}", entry.vaddr, names.of(entry.pfn)),
            None => println!("  {:#x}  {}  {flags}", entry.vaddr, entry.pfn),
        }
    }
}

/// The flags of an entry, in words.
struct Flags(u64);

impl fmt::Display for Flags {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (SPTE_VADDR_ALLOCATED, "allocated"),
            (SPTE_VADDR_ANONYMOUS, "anonymous"),
            (SPTE_PTE_MAPPED, "mapped"),
        ];
        let mut separator = "";
        for (_, word) in words.iter().filter(|(flag, _)| self.0 & flag != 0) {
            write!(formatter, "{separator}{word}")?;
            separator = ", ";
        }
        if separator.is_empty() {
            formatter.write_str("nothing")?;
        }
        Ok(())
    }
}
