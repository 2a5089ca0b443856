//! Where things are when the guest starts.
//!
//! The kernel is a PVH ELF, so what it is handed is `hvm_start_info` of the Xen PVH boot protocol (magic, layout and
//! register contents are Xen's `public/arch-x86/hvm/start_info.h`). Only what Ringside adds stands here.

/// Largest guest memory in MiB: the kernel maps all of it in the top 2 GiB of the address space, and leaves half of
/// that to mappings made at run time.
pub const MAX_MEMORY_MIB: u64 = 1024;
/// Smallest guest memory in MiB in which kernel, programs and a few processes fit.
pub const MIN_MEMORY_MIB: u64 = 8;

/// Virtual address at which the kernel maps physical address 0; the kernel image is linked into this mapping.
pub const DIRECT_MAP_BASE: u64 = 0xffff_ffff_8000_0000;
/// Physical address of the kernel image.
pub const KERNEL_PHYS: u64 = 0x0020_0000;

/// Command-line key: path of the first program, as on Linux.
pub const CMDLINE_INIT: &str = "init";
/// Command-line key: name of the deliberate fault to switch on; only kernels built for it know the key.
pub const CMDLINE_MUTANT: &str = "mutant";
/// Command-line key: names of events ([`crate::event::event_name`]), with commas between them, that the kernel does not send; only
/// kernels built for deliberate faults know the key.
pub const CMDLINE_WITHHOLD: &str = "withhold";
/// Command-line flag: run the self-check, print its result on the serial console and stop.
pub const CMDLINE_SELF_CHECK: &str = "selfcheck";
/// Command-line flag: kernel messages also go to the serial console.
pub const CMDLINE_VERBOSE: &str = "verbose";

/// Command-line key: how fork passes memory on, `cow` (the default: shared until written) or `copy` (duplicated at once).
pub const CMDLINE_FORK: &str = "fork";
/// Command-line key: where ticks come from, `virtual` (the default) or `real`; see [`crate::clock`].
pub const CMDLINE_CLOCK: &str = "clock";
/// Command-line key: `vmm` has the kernel ask at its reschedule points who goes on; see [`crate::schedule`].
pub const CMDLINE_SCHEDULE: &str = "schedule";
/// Command-line key: how the kernel looks up pages for a write through `/proc/self/mem`, `fixed` (the default) or
/// `vulnerable` (as kernels before the fix of CVE-2016-5195).
pub const CMDLINE_DIRTYCOW: &str = "dirtycow";
/// Command-line key, Linux's: a virtio device, `<size>@<base>:<interrupt>`; see [`crate::block`].
pub const CMDLINE_VIRTIO_MMIO: &str = "virtio_mmio.device";

/// Command-line key: number of the first system call of the shadow page table; see [`crate::shadowpt`].
pub const CMDLINE_SHADOWPT_BASE: &str = "shadowpt_base";

/// Command-line flag: there is a device for programs to try what drivers can do; see [`crate::testdev`].
pub const CMDLINE_TESTDEV: &str = "testdev";

/// Program path under which the agent lies in the initrd.
pub const AGENT_PATH: &str = "agent";

/// I/O port of the serial console (COM1).
pub const SERIAL_PORT: u16 = 0x3f8;
/// I/O port of QEMU's `isa-debug-exit` device as `ci/` configures it: how a self-check ends there.
pub const QEMU_EXIT_PORT: u16 = 0xf4;
/// Value the self-check writes to [`QEMU_EXIT_PORT`] on success; QEMU then exits with `(value << 1) | 1`.
pub const QEMU_EXIT_SUCCESS: u8 = 0x10;
/// As [`QEMU_EXIT_SUCCESS`], on failure.
pub const QEMU_EXIT_FAILURE: u8 = 0x11;

/// Folder of the archive with the drivers that a Linux needs for the machine's devices. Their files are called `00`, `01` and so on, in the order in which they are loaded.
pub const DRIVERS_DIR: &str = "drivers";
