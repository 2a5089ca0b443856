//! What the loadable modules of `guest-modules/` and the programs that use them agree on.

/// `/dev/kmmap`: pages of its memory.
pub const KMMAP_PAGES: u64 = 16;
/// `/dev/vmmap`: pages of its memory, which are more than one page table can map.
pub const VMMAP_PAGES: u64 = 520;
/// What each page of the two begins with.
pub const MARK: [u8; 4] = [0xaa, 0xbb, 0xcc, 0xdd];

/// `/proc/lkmc_mmap`: bytes that can be read and written, at the start of its page.
pub const PROC_MMAP_BYTES: usize = 4;
/// What they are after an open.
pub const PROC_MMAP_TEXT: [u8; PROC_MMAP_BYTES] = *b"asdf";

/// `/dev/JIT`, ioctl: take a function over; the argument is the address of a [`UserFunction`].
pub const JIT_LOAD_FUNC: u32 = 0x4010_4a01;
/// `/dev/JIT`, ioctl: run the function, and give its result.
pub const JIT_EXECUTE_FUNC: u32 = 0x4a02;

/// Where a function is in a program's memory.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct UserFunction {
    /// Its first byte.
    pub address: u64,
    /// Number of its bytes.
    pub len_bytes: u64,
}

/// Bytes of a [`UserFunction`].
pub const USER_FUNCTION_BYTES: usize = 16;
const _: () = assert!(size_of::<UserFunction>() == USER_FUNCTION_BYTES);
