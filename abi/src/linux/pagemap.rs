//! A word of `/proc/PID/pagemap`, which has one for each page (`Documentation/admin-guide/mm/pagemap.rst`).

/// Bytes of a word.
pub const ENTRY_BYTES: u64 = 8;
/// Number of the frame, of a page that is present; 0 for who may not know.
pub const FRAME_MASK: u64 = (1 << 55) - 1;
/// Where in [`FRAME_MASK`] the slot begins, of a page that is on a swap device; below it is the number of the device.
pub const SLOT_SHIFT: u32 = 5;
/// Written to since somebody last asked.
pub const SOFT_DIRTY: u64 = 1 << 55;
/// Mapped once in all.
pub const EXCLUSIVE: u64 = 1 << 56;
/// Write-protected by userfaultfd.
pub const UFFD_WP: u64 = 1 << 57;
/// Of a file, or memory that is shared by being one.
pub const FILE: u64 = 1 << 61;
/// On a swap device.
pub const SWAPPED: u64 = 1 << 62;
/// In memory.
pub const PRESENT: u64 = 1 << 63;
