//! Page faults that a program serves (`linux/userfaultfd.h`).

/// userfaultfd: of faults in user mode alone; whoever the kernel copies for gets EFAULT instead.
pub const UFFD_USER_MODE_ONLY: u64 = 1;

/// The version that UFFDIO_API asks for.
pub const UFFD_API: u64 = 0xaa;

/// Feature: messages tell faults on write-protected pages apart.
pub const UFFD_FEATURE_PAGEFAULT_FLAG_WP: u64 = 1 << 0;
/// Feature: a fault is a SIGBUS, and no message.
pub const UFFD_FEATURE_SIGBUS: u64 = 1 << 7;
/// Feature: messages tell the thread.
pub const UFFD_FEATURE_THREAD_ID: u64 = 1 << 8;
/// Feature: messages tell the address and not its page.
pub const UFFD_FEATURE_EXACT_ADDRESS: u64 = 1 << 11;

/// Type of the requests, as `_IOC` has it.
const UFFDIO: u32 = 0xaa;
/// `_IOC_WRITE | _IOC_READ` and `_IOC_READ`, where the request has them.
const BOTH_WAYS: u32 = 3 << 30;
const READ: u32 = 2 << 30;

const fn request(direction: u32, number: u64, bytes: usize) -> u32 {
    direction | (bytes as u32) << 16 | UFFDIO << 8 | number as u32
}

/// Numbers of the requests, which are their bits in [`UffdioApi::ioctls`] and [`UffdioRegister::ioctls`].
const NR_REGISTER: u64 = 0;
const NR_UNREGISTER: u64 = 1;
const NR_WAKE: u64 = 2;
const NR_COPY: u64 = 3;
const NR_ZEROPAGE: u64 = 4;
const NR_WRITEPROTECT: u64 = 6;
const NR_API: u64 = 0x3f;

/// ioctl: shake hands. A [`UffdioApi`].
pub const UFFDIO_API: u32 = request(BOTH_WAYS, NR_API, size_of::<UffdioApi>());
/// ioctl: faults in a range are served from now on. A [`UffdioRegister`].
pub const UFFDIO_REGISTER: u32 = request(BOTH_WAYS, NR_REGISTER, size_of::<UffdioRegister>());
/// ioctl: no more. A [`UffdioRange`].
pub const UFFDIO_UNREGISTER: u32 = request(READ, NR_UNREGISTER, size_of::<UffdioRange>());
/// ioctl: those who wait in a range look again. A [`UffdioRange`].
pub const UFFDIO_WAKE: u32 = request(READ, NR_WAKE, size_of::<UffdioRange>());
/// ioctl: put copies of pages where there are none. A [`UffdioCopy`].
pub const UFFDIO_COPY: u32 = request(BOTH_WAYS, NR_COPY, size_of::<UffdioCopy>());
/// ioctl: put zeros there. A [`UffdioZeropage`].
pub const UFFDIO_ZEROPAGE: u32 = request(BOTH_WAYS, NR_ZEROPAGE, size_of::<UffdioZeropage>());
/// ioctl: protect pages that are there from stores, or no more. A [`UffdioWriteprotect`].
pub const UFFDIO_WRITEPROTECT: u32 = request(BOTH_WAYS, NR_WRITEPROTECT, size_of::<UffdioWriteprotect>());

const _: () = assert!(UFFDIO_API == 0xc018_aa3f && UFFDIO_REGISTER == 0xc020_aa00);
const _: () = assert!(UFFDIO_UNREGISTER == 0x8010_aa01 && UFFDIO_WAKE == 0x8010_aa02);
const _: () = assert!(UFFDIO_COPY == 0xc028_aa03 && UFFDIO_ZEROPAGE == 0xc020_aa04);
const _: () = assert!(UFFDIO_WRITEPROTECT == 0xc018_aa06);

/// Bits of [`UffdioApi::ioctls`].
pub const API_IOCTL_REGISTER: u64 = 1 << NR_REGISTER;
/// As [`API_IOCTL_REGISTER`].
pub const API_IOCTL_UNREGISTER: u64 = 1 << NR_UNREGISTER;
/// As [`API_IOCTL_REGISTER`].
pub const API_IOCTL_API: u64 = 1 << NR_API;
/// Bits of [`UffdioRegister::ioctls`].
pub const RANGE_IOCTL_WAKE: u64 = 1 << NR_WAKE;
/// As [`RANGE_IOCTL_WAKE`].
pub const RANGE_IOCTL_COPY: u64 = 1 << NR_COPY;
/// As [`RANGE_IOCTL_WAKE`].
pub const RANGE_IOCTL_ZEROPAGE: u64 = 1 << NR_ZEROPAGE;
/// As [`RANGE_IOCTL_WAKE`].
pub const RANGE_IOCTL_WRITEPROTECT: u64 = 1 << NR_WRITEPROTECT;

/// `struct uffdio_api`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UffdioApi {
    /// [`UFFD_API`].
    pub api: u64,
    /// Those that are wanted; in the answer all that there are.
    pub features: u64,
    /// Answer: requests to the descriptor.
    pub ioctls: u64,
}
const _: () = assert!(size_of::<UffdioApi>() == 24);

/// `struct uffdio_range`: whole pages.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UffdioRange {
    /// First address.
    pub start: u64,
    /// Bytes.
    pub len: u64,
}
const _: () = assert!(size_of::<UffdioRange>() == 16);

/// Mode of a registration: pages that are not there.
pub const UFFDIO_REGISTER_MODE_MISSING: u64 = 1;
/// Mode of a registration: pages that UFFDIO_WRITEPROTECT protects.
pub const UFFDIO_REGISTER_MODE_WP: u64 = 2;

/// `struct uffdio_register`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UffdioRegister {
    /// Which pages.
    pub range: UffdioRange,
    /// `UFFDIO_REGISTER_MODE_*`.
    pub mode: u64,
    /// Answer: requests for the range.
    pub ioctls: u64,
}
const _: () = assert!(size_of::<UffdioRegister>() == 32);

/// Mode of UFFDIO_COPY and UFFDIO_ZEROPAGE: whoever waits goes on waiting.
pub const UFFDIO_COPY_MODE_DONTWAKE: u64 = 1;
/// Mode of UFFDIO_COPY: the pages are write-protected.
pub const UFFDIO_COPY_MODE_WP: u64 = 2;

/// `struct uffdio_copy`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UffdioCopy {
    /// First page to fill.
    pub dst: u64,
    /// What it is filled with; any address.
    pub src: u64,
    /// Bytes, whole pages.
    pub len: u64,
    /// `UFFDIO_COPY_MODE_*`.
    pub mode: u64,
    /// Answer: bytes that were copied, or a negated error number.
    pub copy: i64,
}
const _: () = assert!(size_of::<UffdioCopy>() == 40);

/// Mode of UFFDIO_ZEROPAGE: whoever waits goes on waiting.
pub const UFFDIO_ZEROPAGE_MODE_DONTWAKE: u64 = 1;

/// `struct uffdio_zeropage`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UffdioZeropage {
    /// Which pages.
    pub range: UffdioRange,
    /// [`UFFDIO_ZEROPAGE_MODE_DONTWAKE`] or 0.
    pub mode: u64,
    /// Answer: bytes that were filled, or a negated error number.
    pub zeropage: i64,
}
const _: () = assert!(size_of::<UffdioZeropage>() == 32);

/// Mode of UFFDIO_WRITEPROTECT: protect; without it, do so no more.
pub const UFFDIO_WRITEPROTECT_MODE_WP: u64 = 1;
/// Mode of UFFDIO_WRITEPROTECT: whoever waits goes on waiting.
pub const UFFDIO_WRITEPROTECT_MODE_DONTWAKE: u64 = 2;

/// `struct uffdio_writeprotect`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UffdioWriteprotect {
    /// Which pages.
    pub range: UffdioRange,
    /// `UFFDIO_WRITEPROTECT_MODE_*`.
    pub mode: u64,
}
const _: () = assert!(size_of::<UffdioWriteprotect>() == 24);

/// Event of a message: a page fault.
pub const UFFD_EVENT_PAGEFAULT: u8 = 0x12;
/// Flag of a page fault: a store.
pub const UFFD_PAGEFAULT_FLAG_WRITE: u64 = 1;
/// Flag of a page fault: the page is there and write-protected.
pub const UFFD_PAGEFAULT_FLAG_WP: u64 = 2;

/// `struct uffd_msg` of a page fault.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UffdMsg {
    /// [`UFFD_EVENT_PAGEFAULT`].
    pub event: u8,
    /// 0.
    pub reserved: [u8; 7],
    /// `UFFD_PAGEFAULT_FLAG_*`.
    pub flags: u64,
    /// Address of the page, or of the access with [`UFFD_FEATURE_EXACT_ADDRESS`].
    pub address: u64,
    /// Number of the thread with [`UFFD_FEATURE_THREAD_ID`], else 0.
    pub thread: u32,
    /// 0.
    pub padding: u32,
}
/// Bytes of a [`UffdMsg`].
pub const MESSAGE_BYTES: usize = 32;
const _: () = assert!(size_of::<UffdMsg>() == MESSAGE_BYTES);
const _: () = assert!(core::mem::offset_of!(UffdMsg, flags) == 8);
const _: () = assert!(core::mem::offset_of!(UffdMsg, address) == 16);
const _: () = assert!(core::mem::offset_of!(UffdMsg, thread) == 24);
