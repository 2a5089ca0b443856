//! What a guest is told of its memory.

use vm_memory::GuestMemoryMmap;

use super::{acpi, memory_len_bytes};

/// Kinds of memory, as the ACPI specification numbers them ("System Address Map Interfaces"): some to use, and tables of ACPI's.
const RAM: u32 = 1;
const TABLES: u32 = 3;

/// A PC has memory up to here, then its firmware up to 1 MiB.
const LOW_MEMORY_END: u64 = 0x9_fc00;
const HIGH_MEMORY_START: u64 = 0x10_0000;

/// A part of guest physical memory.
pub(super) struct Part {
    pub(super) start: u64,
    pub(super) len_bytes: u64,
    pub(super) kind: u32,
}

/// All of it is there to be used.
pub(super) fn of_a_bare_machine(memory: &GuestMemoryMmap) -> Vec<Part> {
    vec![ram(0, memory_len_bytes(memory))]
}

/// The part below 1 MiB that a PC's firmware has is no memory; the tables of devices lie there.
pub(super) fn of_a_pc(memory: &GuestMemoryMmap) -> Vec<Part> {
    let tables = Part {
        start: acpi::TABLES.0,
        len_bytes: acpi::TABLES_BYTES,
        kind: TABLES,
    };
    vec![
        ram(0, LOW_MEMORY_END),
        tables,
        ram(HIGH_MEMORY_START, memory_len_bytes(memory)),
    ]
}

fn ram(start: u64, end: u64) -> Part {
    Part {
        start,
        len_bytes: end - start,
        kind: RAM,
    }
}
