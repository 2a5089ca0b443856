//! What registers hold, and what the entries on the way to an address say, in words.

use std::fmt::{self, Write};

use abi::paging::{
    ACCESSED, CACHE_DISABLE, DIRTY, GLOBAL, NO_EXECUTE, PRESENT, USER, WRITABLE, WRITE_THROUGH,
};
use kvm_bindings::kvm_sregs;
use serde::{Deserialize, Serialize};

use crate::address::VirtAddr;
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::{Entry, Root, Target, follow};

/// What bits of a present entry say.
const FLAGS: [(u64, &str); 8] = [
    (WRITABLE, "writable"),
    (USER, "user"),
    (WRITE_THROUGH, "write-through"),
    (CACHE_DISABLE, "uncached"),
    (ACCESSED, "accessed"),
    (DIRTY, "dirty"),
    (GLOBAL, "global"),
    (NO_EXECUTE, "no-execute"),
];

/// A name that nothing has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct Unknown {
    /// What has no such name.
    what: &'static str,
    name: String,
    /// The names that there are.
    known: Vec<String>,
}

impl Unknown {
    pub(super) fn new<'n>(what: &'static str, name: &str, known: impl Iterator<Item = &'n str>) -> Unknown {
        Unknown {
            what,
            name: name.to_owned(),
            known: known.map(str::to_owned).collect(),
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unknown { what, name, known } = self;
        match known[..] {
            [] => write!(f, "there is no {what} `{name}`, and none at all"),
            _ => write!(f, "there is no {what} `{name}`; there is: {}", known.join(", ")),
        }
    }
}

/// The registers that say how memory is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SystemRegisters {
    cr0: u64,
    cr2: u64,
    pub(crate) cr3: u64,
    cr4: u64,
    efer: u64,
    fs_base: u64,
    gs_base: u64,
}

impl From<&kvm_sregs> for SystemRegisters {
    fn from(system: &kvm_sregs) -> SystemRegisters {
        SystemRegisters {
            cr0: system.cr0,
            cr2: system.cr2,
            cr3: system.cr3,
            cr4: system.cr4,
            efer: system.efer,
            fs_base: system.fs.base,
            gs_base: system.gs.base,
        }
    }
}

/// A register a line.
impl fmt::Display for SystemRegisters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            ("cr0", self.cr0),
            ("cr2", self.cr2),
            ("cr3", self.cr3),
            ("cr4", self.cr4),
            ("efer", self.efer),
            ("fs_base", self.fs_base),
            ("gs_base", self.gs_base),
        ];
        for (name, value) in named {
            writeln!(f, "{name:<8} {value:#x}")?;
        }
        Ok(())
    }
}

/// The entries on the way to an address, a level a line, and where it leads.
pub(crate) fn walk(memory: PhysicalMemory<'_>, root: Root, address: VirtAddr) -> String {
    let mut told = String::new();
    let found = follow(memory, root, address, |entry| {
        let index = entry.level.index(address);
        // Writing to a string cannot fail.
        let _ = writeln!(
            told,
            "{}[{index}] at {}: {:#018x}: {}",
            entry.level,
            entry.at,
            entry.value,
            flags(entry)
        );
    });
    told + &match found {
        Ok(found) => format!(
            "{address} is at {}, in a page of {} that allows {}\n",
            found.address, found.size, found.permissions
        ),
        Err(error) => format!("{error}\n"),
    }
}

/// What an entry says, in words.
fn flags(entry: Entry) -> String {
    if entry.value & PRESENT == 0 {
        return "not present".to_owned();
    }
    let mut words = vec!["present"];
    words.extend(
        FLAGS
            .iter()
            .filter(|(bit, _)| entry.value & bit != 0)
            .map(|(_, word)| *word),
    );
    let target = match entry.target() {
        Ok(Target::Table(_, table)) => format!(", table at {}", table.start()),
        Ok(Target::Page(size, page)) => format!(", page of {size} at {page}"),
        Ok(Target::Nothing) => String::new(),
        Err(defect) => format!(", {defect}"),
    };
    words.join(" ") + &target
}
