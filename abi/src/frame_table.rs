//! The kernel's own account of guest physical memory: one [`FrameInfo`] a frame, indexed by frame number, from frame 0.
//!
//! It is a claim like any other. The VMM compares it with its own page walks, and trusts nothing in it.

use crate::named_numbers;

/// Account of one frame.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameInfo {
    /// Number of owners: page-table entries that map it for a user, and kernel references. 0: the frame is free.
    pub references: u32,
    /// What the frame is used for, one of the kinds of this module. Meaningless while `references` is 0.
    pub kind: u16,
    /// The kernel's own, but for [`PAGE_RESERVED`] and [`FRAME_SHARED`].
    pub private: u16,
}

/// Bit of [`FrameInfo::private`] of a frame of [`MODULE_PAGES`]: a module has reserved it, so it must stay where it is.
pub const PAGE_RESERVED: u16 = 1 << 15;

/// Bit of [`FrameInfo::private`] of a frame of [`ANONYMOUS`]: it belongs to a shared mapping, so that all who map it see each other's
/// stores.
pub const FRAME_SHARED: u16 = 1 << 14;

/// Bytes of a [`FrameInfo`].
pub const INFO_BYTES: usize = 8;
const _: () = assert!(size_of::<FrameInfo>() == INFO_BYTES);
const _: () = assert!(core::mem::offset_of!(FrameInfo, kind) == 4);

named_numbers! {
    /// Name of a frame kind.
    frame_kind_name: u16 {
        /// Not in use, or never yet described.
        UNUSED = 0;
        /// Not memory that the kernel may hand out: firmware tables, holes, boot data.
        RESERVED = 1;
        /// The kernel's image and static tables.
        KERNEL_IMAGE = 2;
        /// A page table of any level.
        PAGE_TABLE = 3;
        /// Kernel heap.
        HEAP = 4;
        /// Kernel stack.
        KERNEL_STACK = 5;
        /// Anonymous user memory.
        ANONYMOUS = 6;
        /// File contents (programs of the initrd), shared by everyone who maps them.
        PAGE_CACHE = 7;
        /// A shadow page table, which its inspector may read and nobody but the kernel may write.
        SHADOW_TABLE = 8;
        /// Pages that a module has allocated, and may lend to programs.
        MODULE_PAGES = 9;
        /// Memory of the kernel's that is mapped page by page.
        VMALLOC = 10;
    }
}
