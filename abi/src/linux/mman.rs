//! Memory mapping (`asm-generic/mman-common.h`, `asm-generic/mman.h`, `asm/mman.h`, `linux/mman.h`).

use crate::named_numbers;

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
/// As [`MAP_SHARED`], but refuse flags that are not known, with EOPNOTSUPP; only for files.
pub const MAP_SHARED_VALIDATE: u64 = 0x03;
/// The bits of the flags that hold the mapping type.
pub const MAP_TYPE: u64 = 0x0f;
/// The address is an order, not a hint.
pub const MAP_FIXED: u64 = 0x10;
/// No file behind it.
pub const MAP_ANONYMOUS: u64 = 0x20;
/// As [`MAP_FIXED`], but refuse with EEXIST where something is mapped.
pub const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;

named_numbers! {
    /// Name of a flag of mmap that says neither whose stores are nor where.
    map_flag_name: u64 {
        /// In the first 2 GiB.
        MAP_32BIT = 0x40;
        /// Above the first 4 GiB.
        MAP_ABOVE4G = 0x80;
        /// It grows downwards by accesses, as a stack.
        MAP_GROWSDOWN = 0x100;
        /// Without a meaning today: nobody else may open the file for writing.
        MAP_DENYWRITE = 0x800;
        /// Without a meaning today: the file is a program.
        MAP_EXECUTABLE = 0x1000;
        /// Its pages stay in memory.
        MAP_LOCKED = 0x2000;
        /// Nobody asks whether there is room for all of it.
        MAP_NORESERVE = 0x4000;
        /// Its pages are there from the start.
        MAP_POPULATE = 0x8000;
        /// With [`MAP_POPULATE`]: not if that takes reading from a disk, which today means never.
        MAP_NONBLOCK = 0x1_0000;
        /// It is going to be a stack.
        MAP_STACK = 0x2_0000;
        /// Of huge pages.
        MAP_HUGETLB = 0x4_0000;
        /// A file whose stores are lasting.
        MAP_SYNC = 0x8_0000;
    }
}

/// mremap may put the pages elsewhere.
pub const MREMAP_MAYMOVE: u64 = 1;
/// They are to be at the new address, in place of what is there.
pub const MREMAP_FIXED: u64 = 2;
/// The old area stays, without its pages.
pub const MREMAP_DONTUNMAP: u64 = 4;

/// mlock2: pages are locked with their first access.
pub const MLOCK_ONFAULT: u64 = 1;
/// mlockall locks what there is.
pub const MCL_CURRENT: u64 = 1;
/// It locks what is mapped later.
pub const MCL_FUTURE: u64 = 2;
/// Pages are locked with their first access.
pub const MCL_ONFAULT: u64 = 4;

/// msync only sees to it that stores are written some time.
pub const MS_ASYNC: u64 = 1;
/// Other mappings of the file are made to see them.
pub const MS_INVALIDATE: u64 = 2;
/// They have been written when msync returns.
pub const MS_SYNC: u64 = 4;

named_numbers! {
    /// Name of an advice to madvise.
    advice_name: u64 {
        /// Accesses will be as usual.
        MADV_NORMAL = 0;
        /// Accesses will be in no order.
        MADV_RANDOM = 1;
        /// Accesses will be in order.
        MADV_SEQUENTIAL = 2;
        /// Accesses will be soon.
        MADV_WILLNEED = 3;
        /// The contents are not needed; the next touch finds zeros (anonymous private) or the object's contents.
        MADV_DONTNEED = 4;
        /// The contents are not needed: when memory is short, the next touch finds zeros.
        MADV_FREE = 8;
        /// The object's contents are not needed.
        MADV_REMOVE = 9;
        /// A child of fork does not have the area.
        MADV_DONTFORK = 10;
        /// A child of fork has the area.
        MADV_DOFORK = 11;
        /// Frames with the same contents become one.
        MADV_MERGEABLE = 12;
        /// Frames stay apart.
        MADV_UNMERGEABLE = 13;
        /// Of huge pages, if possible.
        MADV_HUGEPAGE = 14;
        /// Of no huge pages.
        MADV_NOHUGEPAGE = 15;
        /// A core dump leaves it out.
        MADV_DONTDUMP = 16;
        /// A core dump has it.
        MADV_DODUMP = 17;
        /// A child of fork finds zeros in the area.
        MADV_WIPEONFORK = 18;
        /// A child of fork finds what the parent has in the area.
        MADV_KEEPONFORK = 19;
        /// Accesses will be late.
        MADV_COLD = 20;
        /// To the disk, now.
        MADV_PAGEOUT = 21;
        /// The pages are made readable now, as if each were read.
        MADV_POPULATE_READ = 22;
        /// The pages are made writable now, as if each were written to.
        MADV_POPULATE_WRITE = 23;
        /// As [`MADV_DONTNEED`], locked pages too.
        MADV_DONTNEED_LOCKED = 24;
        /// Into huge pages, now.
        MADV_COLLAPSE = 25;
    }
}
