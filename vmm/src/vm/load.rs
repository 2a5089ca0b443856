//! Puts kernel, programs and boot information into guest memory: as the PVH boot protocol wants them, or, on a PC, for a kernel that does
//! not know it, as Linux's 64-bit protocol does ([`super::linux64`]).
//!
//! Every other byte of guest memory is zero, and the kernel may rely on that.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use abi::{PAGE_SHIFT, PAGE_SIZE};
use linux_loader::configurator::pvh::PvhBootConfigurator;
use linux_loader::configurator::{BootConfigurator, BootParams};
use linux_loader::loader::elf::start_info::{hvm_memmap_table_entry, hvm_modlist_entry, hvm_start_info};
use linux_loader::loader::elf::{Elf, PvhBootCapability};
use linux_loader::loader::{KernelLoader, KernelLoaderResult};
use object::LittleEndian;
use object::elf::{FileHeader64, PT_LOAD, PT_NOTE};
use object::read::ReadCache;
use object::read::elf::{FileHeader, ProgramHeader};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use crate::address::FrameNumber;
use crate::machine::Machine;
use crate::regular_file::{self, Links, RegularFileError};

use super::acpi::VirtioDevice;
use super::{Config, acpi, linux64, memory_len_bytes, memory_map};

/// Magic number of `hvm_start_info` (Xen's `public/arch-x86/hvm/start_info.h`).
const START_INFO_MAGIC: u32 = 0x336e_c578;
/// Version of `hvm_start_info` that has a memory map.
const START_INFO_VERSION: u32 = 1;

/// Where the boot information lies. All of it below 1 MiB, which the kernel does not hand out.
const START_INFO: GuestAddress = GuestAddress(0x6000);
const MODULE_LIST: GuestAddress = GuestAddress(0x6040);
const MEMORY_MAP: GuestAddress = GuestAddress(0x7000);
const COMMAND_LINE: GuestAddress = GuestAddress(0x8000);
/// Longest kernel command line with its final NUL, in bytes.
const COMMAND_LINE_MAX_BYTES: usize = 4096;

/// Longest kernel file, in bytes: one with all that a debugger needs is shorter.
const MAX_KERNEL_FILE_BYTES: u64 = 1 << 30;
/// Most program headers of a kernel.
const MAX_SEGMENTS: u64 = 64;
/// Most bytes of notes of a kernel.
const MAX_NOTE_BYTES: u64 = 64 << 10;

/// The guest image cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: RegularFileError,
    },
    /// The kernel has more parts than any kernel, or larger ones than fit.
    #[error("{path} is no kernel: {what} {found}, expected at most {most}")]
    Parts {
        /// The file.
        path: PathBuf,
        /// What there is too much of.
        what: &'static str,
        /// How much.
        found: u64,
        /// The limit.
        most: u64,
    },
    /// The kernel is no ELF file that fits.
    #[error("{path} is no kernel that fits into {memory_mib} MiB")]
    Kernel {
        /// The file.
        path: PathBuf,
        /// Guest memory in MiB.
        memory_mib: u64,
        /// What the loader says.
        source: linux_loader::loader::Error,
    },
    /// The kernel has no PVH entry note, and its machine has no other way to begin.
    #[error(
        "{path} has no PVH entry point (ELF note XEN_ELFNOTE_PHYS32_ENTRY), which this machine needs; a Linux without one begins on a guest \
         whose description says `machine = \"pc\"`"
    )]
    NoPvhEntry {
        /// The file.
        path: PathBuf,
    },
    /// The programs do not fit above the kernel.
    #[error("{path} has {len_bytes} bytes, and {free_bytes} are left above the kernel")]
    InitrdTooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        len_bytes: u64,
        /// Guest memory above the kernel.
        free_bytes: u64,
    },
    /// The command line is too long.
    #[error("the kernel command line has {len_bytes} bytes, expected fewer than {COMMAND_LINE_MAX_BYTES}")]
    CommandLineTooLong {
        /// Its length.
        len_bytes: usize,
    },
    /// The boot information does not fit.
    #[error("cannot write the boot information: {0}")]
    BootInformation(String),
}

/// How a kernel begins, with the physical addresses of its first instruction and of the boot information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// By the PVH protocol, with a `hvm_start_info`.
    Pvh {
        entry: GuestAddress,
        start_info: GuestAddress,
    },
    /// By Linux's 64-bit protocol, with a `boot_params`.
    Linux64 {
        entry: GuestAddress,
        boot_params: GuestAddress,
    },
}

/// What the vCPU must be told.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Where the kernel begins, and with what.
    pub(super) start: Start,
    /// Frames of the kernel's image.
    pub(super) kernel: Range<FrameNumber>,
    /// Frames of the archive of programs.
    pub(super) initrd: Range<FrameNumber>,
    /// The archive itself.
    pub(super) initrd_file: File,
}

impl Loaded {
    /// Every frame that holds something: boot information, kernel, programs.
    pub(super) fn frames(&self) -> [Range<FrameNumber>; 3] {
        [
            FrameNumber(0)..FrameNumber(1 << (20 - PAGE_SHIFT)),
            self.kernel.clone(),
            self.initrd.clone(),
        ]
    }
}

/// Frames that `start..end` touches.
fn frames(start: u64, end: u64) -> Range<FrameNumber> {
    FrameNumber(start / PAGE_SIZE)..FrameNumber(end.div_ceil(PAGE_SIZE))
}

/// Loads everything that `config` names into `memory`; also gives the kernel's file.
pub(super) fn load(memory: &GuestMemoryMmap, config: &Config<'_>) -> Result<(Loaded, File), LoadError> {
    let mut kernel = open(config.kernel, MAX_KERNEL_FILE_BYTES)?.0;
    let loaded = load_kernel(memory, &mut kernel, config)?;
    let (module, initrd_file) = load_initrd(memory, config.initrd, loaded.kernel_end)?;
    load_command_line(memory, config.command_line)?;
    if config.machine == Machine::Pc {
        acpi::write(memory, &virtio_devices(config)).map_err(boot_information)?;
    }
    let entry = loaded.kernel_load;
    let start = match (loaded.pvh_boot_cap, config.machine) {
        (PvhBootCapability::PvhEntryPresent(entry), _) => {
            write_boot_information(memory, config.machine, module)?;
            Start::Pvh {
                entry,
                start_info: START_INFO,
            }
        }
        (_, Machine::Pc) => {
            let command_line = (COMMAND_LINE, config.command_line.len());
            linux64::write(memory, command_line, &module).map_err(boot_information)?;
            Start::Linux64 {
                entry,
                boot_params: linux64::BOOT_PARAMS,
            }
        }
        (_, Machine::Bare) => {
            return Err(LoadError::NoPvhEntry {
                path: config.kernel.to_owned(),
            });
        }
    };
    let loaded = Loaded {
        start,
        kernel: frames(entry.0, loaded.kernel_end),
        initrd: frames(module.paddr, module.paddr + module.size),
        initrd_file,
    };
    Ok((loaded, kernel))
}

fn load_kernel(
    memory: &GuestMemoryMmap,
    file: &mut File,
    config: &Config<'_>,
) -> Result<KernelLoaderResult, LoadError> {
    let path = config.kernel;
    check_parts(file, path, memory_len_bytes(memory))?;
    Elf::load(memory, None, file, None).map_err(|source| LoadError::Kernel {
        path: path.to_owned(),
        memory_mib: config.memory_mib,
        source,
    })
}

/// The loader reads whatever the program headers say, and looks at each note: they must not be endless. What is no ELF file is
/// left to the loader.
fn check_parts(file: &File, path: &Path, memory_bytes: u64) -> Result<(), LoadError> {
    let cache = ReadCache::new(file);
    let Ok(header) = FileHeader64::<LittleEndian>::parse(&cache) else {
        return Ok(());
    };
    let check = |what, found, most| {
        let path = path.to_owned();
        let parts = LoadError::Parts {
            path,
            what,
            found,
            most,
        };
        if found > most { Err(parts) } else { Ok(()) }
    };
    let count = header.e_phnum(LittleEndian).into();
    check("number of program headers", count, MAX_SEGMENTS)?;
    let Ok(segments) = header.program_headers(LittleEndian, &cache) else {
        return Ok(());
    };
    let bytes_of = |kind| {
        let segments = segments.iter();
        segments
            .filter(|segment| segment.p_type(LittleEndian) == kind)
            .map(|segment| segment.p_filesz(LittleEndian))
            .fold(0, u64::saturating_add)
    };
    check("bytes of segments", bytes_of(PT_LOAD), memory_bytes)?;
    check("bytes of notes", bytes_of(PT_NOTE), MAX_NOTE_BYTES)
}

/// Loads the archive page-aligned at the top of memory, so that the pages of a file in it are frames of their own.
fn load_initrd(
    memory: &GuestMemoryMmap,
    path: &Path,
    kernel_end: u64,
) -> Result<(hvm_modlist_entry, File), LoadError> {
    let (mut file, len_bytes) = open(path, u64::MAX)?;
    let free_bytes = memory_len_bytes(memory).saturating_sub(kernel_end);
    let too_large = || LoadError::InitrdTooLarge {
        path: path.to_owned(),
        len_bytes,
        free_bytes,
    };
    if len_bytes > free_bytes {
        return Err(too_large());
    }
    let start = (memory_len_bytes(memory) - len_bytes) & !(PAGE_SIZE - 1);
    if start < kernel_end {
        return Err(too_large());
    }
    let count = usize::try_from(len_bytes).expect("a 64-bit host");
    memory
        .read_exact_volatile_from(GuestAddress(start), &mut file, count)
        .map_err(|error| LoadError::Read {
            path: path.to_owned(),
            source: std::io::Error::other(error).into(),
        })?;
    let module = hvm_modlist_entry {
        paddr: start,
        size: len_bytes,
        ..Default::default()
    };
    Ok((module, file))
}

fn load_command_line(memory: &GuestMemoryMmap, command_line: &str) -> Result<(), LoadError> {
    let len_bytes = command_line.len();
    if len_bytes >= COMMAND_LINE_MAX_BYTES {
        return Err(LoadError::CommandLineTooLong { len_bytes });
    }
    // The NUL at its end is there already: memory starts as zeros.
    memory
        .write_slice(command_line.as_bytes(), COMMAND_LINE)
        .map_err(boot_information)
}

/// The devices of virtio that the machine has.
fn virtio_devices(config: &Config<'_>) -> Vec<VirtioDevice> {
    let device = |registers, line| VirtioDevice { registers, line };
    let block = config
        .swap_mib
        .map(|_| device(abi::block::PHYS_BASE, abi::block::INTERRUPT));
    let vsock = config
        .sockets
        .map(|_| device(abi::vsock::PHYS_BASE, abi::vsock::INTERRUPT));
    block.into_iter().chain(vsock).collect()
}

fn write_boot_information(
    memory: &GuestMemoryMmap,
    machine: Machine,
    module: hvm_modlist_entry,
) -> Result<(), LoadError> {
    let (map, tables) = match machine {
        Machine::Bare => (memory_map::of_a_bare_machine(memory), 0),
        Machine::Pc => (memory_map::of_a_pc(memory), acpi::TABLES.0),
    };
    let map: Vec<hvm_memmap_table_entry> = map
        .iter()
        .map(|part| hvm_memmap_table_entry {
            addr: part.start,
            size: part.len_bytes,
            type_: part.kind,
            reserved: 0,
        })
        .collect();
    let start_info = hvm_start_info {
        magic: START_INFO_MAGIC,
        version: START_INFO_VERSION,
        cmdline_paddr: COMMAND_LINE.0,
        nr_modules: 1,
        modlist_paddr: MODULE_LIST.0,
        memmap_paddr: MEMORY_MAP.0,
        memmap_entries: map.len() as u32,
        rsdp_paddr: tables,
        ..Default::default()
    };
    let mut parameters = BootParams::new(&start_info, START_INFO);
    parameters.set_sections(&map, MEMORY_MAP);
    parameters.set_modules(&[module], MODULE_LIST);
    PvhBootConfigurator::write_bootparams(&parameters, memory).map_err(boot_information)
}

fn boot_information(error: impl std::fmt::Display) -> LoadError {
    LoadError::BootInformation(error.to_string())
}

fn open(path: &Path, most_bytes: u64) -> Result<(File, u64), LoadError> {
    regular_file::open(path, Links::Refused, most_bytes).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })
}
