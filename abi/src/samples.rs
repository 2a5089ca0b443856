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

/// `/proc/lkmc_mmap`, ioctl: number of areas that show pages of the file, whoever has it open.
pub const PROC_MMAP_AREAS: u32 = 0x6c01;
/// `/proc/lkmc_mmap`, ioctl: put [`PhysicalAddresses`] where the argument points.
pub const PROC_MMAP_ADDRESSES: u32 = 0x8010_6c02;

/// What `virt_to_phys` gives in the kernel, for an open file of `/proc/lkmc_mmap`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PhysicalAddresses {
    /// Of the record that the module keeps for the open file.
    pub record: u64,
    /// Of the page that the record leads to, which is what programs map.
    pub page: u64,
}

/// Bytes of [`PhysicalAddresses`].
pub const PHYSICAL_ADDRESSES_BYTES: usize = 16;
const _: () = assert!(size_of::<PhysicalAddresses>() == PHYSICAL_ADDRESSES_BYTES);
const _: () = assert!(core::mem::offset_of!(PhysicalAddresses, page) == 8);

/// `/dev/module-memory`: what each of its pages stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Lent {
    /// Memory that the kernel may write: the only one that programs may have.
    Writable = 0,
    /// Memory that the kernel may only read.
    ReadOnly = 1,
    /// Memory that the kernel may execute.
    Executable = 2,
    /// A frame that is no module's.
    NoModules = 3,
    /// No frame at all.
    NoFrame = 4,
}

impl TryFrom<u64> for Lent {
    type Error = ();

    fn try_from(page: u64) -> Result<Self, ()> {
        [
            Self::Writable,
            Self::ReadOnly,
            Self::Executable,
            Self::NoModules,
            Self::NoFrame,
        ]
        .into_iter()
        .find(|lent| *lent as u64 == page)
        .ok_or(())
    }
}

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
