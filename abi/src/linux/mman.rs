//! Memory mapping (`asm-generic/mman-common.h`, `linux/mman.h`).

/// No access.
pub const PROT_NONE: u64 = 0;
/// Pages may be read.
pub const PROT_READ: u64 = 1;
/// Pages may be written.
pub const PROT_WRITE: u64 = 2;
/// Pages may be executed.
pub const PROT_EXEC: u64 = 4;

/// Stores go to the object and are seen by all who map it.
pub const MAP_SHARED: u64 = 0x01;
/// Stores are the process's own.
pub const MAP_PRIVATE: u64 = 0x02;
/// The bits of the flags that hold the mapping type.
pub const MAP_TYPE: u64 = 0x0f;
/// The address is an order, not a hint.
pub const MAP_FIXED: u64 = 0x10;
/// No file behind it.
pub const MAP_ANONYMOUS: u64 = 0x20;
/// As [`MAP_FIXED`], but refuse with EEXIST where something is mapped.
pub const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;

/// madvise: the contents are not needed; the next touch finds zeros (anonymous private) or the object's contents.
pub const MADV_DONTNEED: u64 = 4;
