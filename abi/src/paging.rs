//! The x86-64 page-table entry (Intel SDM volume 3, "4-Level Paging").

/// Entry is valid; every other bit is software's when it is clear.
pub const PRESENT: u64 = 1 << 0;
/// Writes are allowed (all levels must agree; the kernel obeys it too while CR0.WP is set).
pub const WRITABLE: u64 = 1 << 1;
/// Accesses from user mode are allowed (all levels must agree).
pub const USER: u64 = 1 << 2;
/// Page-level write-through.
pub const WRITE_THROUGH: u64 = 1 << 3;
/// Page-level cache disable.
pub const CACHE_DISABLE: u64 = 1 << 4;
/// Set by the processor when it uses the entry.
pub const ACCESSED: u64 = 1 << 5;
/// Set by the processor when it writes through the entry (leaf entries only).
pub const DIRTY: u64 = 1 << 6;
/// The entry is a leaf at level 2 (2 MiB) or level 3 (1 GiB).
pub const LARGE: u64 = 1 << 7;
/// The translation survives a CR3 load (leaf entries only, CR4.PGE).
pub const GLOBAL: u64 = 1 << 8;
/// Instruction fetches are refused (any level is enough; EFER.NXE must be set).
pub const NO_EXECUTE: u64 = 1 << 63;

/// Bits 12 to 51: the physical address of the next table or of a 4 KiB frame.
pub const ADDRESS_MASK: u64 = 0x000f_ffff_ffff_f000;
/// Entries in a table of any level.
pub const ENTRIES: u64 = 512;
/// Levels of a walk: PML4 (4), PDPT (3), PD (2), PT (1).
pub const LEVELS: u32 = 4;

/// Page-fault error code: the page was present, so the access broke a protection.
pub const FAULT_PRESENT: u64 = 1 << 0;
/// Page-fault error code: the access was a write.
pub const FAULT_WRITE: u64 = 1 << 1;
/// Page-fault error code: the access came from user mode.
pub const FAULT_USER: u64 = 1 << 2;
/// Page-fault error code: a reserved bit was set in an entry.
pub const FAULT_RESERVED: u64 = 1 << 3;
/// Page-fault error code: the access was an instruction fetch.
pub const FAULT_FETCH: u64 = 1 << 4;

/// First address past the lower (user) half of the canonical address space.
pub const USER_END: u64 = 0x0000_8000_0000_0000;
