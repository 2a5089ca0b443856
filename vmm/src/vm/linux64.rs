//! What Linux's 64-bit boot protocol wants in memory (Linux `Documentation/arch/x86/boot.rst`, "64-bit Boot Protocol"): boot
//! parameters, page tables that map the first GiB to itself, and a table of segments.

use linux_loader::configurator::linux::LinuxBootConfigurator;
use linux_loader::configurator::{BootConfigurator, BootParams};
use linux_loader::loader::bootparam::{boot_e820_entry, boot_params};
use linux_loader::loader::elf::start_info::hvm_modlist_entry;
use vm_memory::{Bytes, GuestAddress, GuestMemoryError, GuestMemoryMmap};

use super::{acpi, memory_map};

/// Why it cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Linux64Error {
    #[error("page tables and segments: {0}")]
    Tables(#[from] GuestMemoryError),
    #[error("boot parameters: {0}")]
    Parameters(#[from] linux_loader::configurator::Error),
}

/// All of it lies below 1 MiB, where the other protocol has its own.
pub(super) const BOOT_PARAMS: GuestAddress = GuestAddress(0x7000);
/// The top page table; the two below follow it.
pub(super) const PAGE_TABLES: GuestAddress = GuestAddress(0x9000);
pub(super) const SEGMENTS: GuestAddress = GuestAddress(0x500);

/// Descriptors of the flat segments that the protocol names: none for selectors 0 and 8, code for 0x10, data for 0x18.
pub(super) const DESCRIPTORS: [u64; 4] = [0, 0, 0x00af_9b00_0000_ffff, 0x00cf_9300_0000_ffff];

const BOOT_FLAG: u16 = 0xaa55;
/// "HdrS", little endian.
const HEADER: u32 = 0x5372_6448;
/// A boot loader without a number of its own.
const LOADER_UNKNOWN: u8 = 0xff;
const KERNEL_ALIGNMENT: u32 = 0x100_0000;

const PRESENT_AND_WRITABLE: u64 = 0b11;
const LARGE: u64 = 1 << 7;
const TABLE_BYTES: u64 = 4096;
const ENTRIES: u64 = 512;
const LARGE_PAGE_SHIFT: u64 = 21;

/// Writes all of it. The command line lies at an address and has so many bytes.
pub(super) fn write(
    memory: &GuestMemoryMmap,
    command_line: (GuestAddress, usize),
    module: &hvm_modlist_entry,
) -> Result<(), Linux64Error> {
    write_tables(memory)?;
    let parameters = parameters(memory, command_line, module);
    let parameters = BootParams::new(&parameters, BOOT_PARAMS);
    Ok(LinuxBootConfigurator::write_bootparams(&parameters, memory)?)
}

fn parameters(
    memory: &GuestMemoryMmap,
    (command_line, len_bytes): (GuestAddress, usize),
    module: &hvm_modlist_entry,
) -> boot_params {
    let low = |address: u64| u32::try_from(address).expect("guest memory ends below 4 GiB");
    let mut parameters = boot_params::default();
    let header = &mut parameters.hdr;
    header.boot_flag = BOOT_FLAG;
    header.header = HEADER;
    header.type_of_loader = LOADER_UNKNOWN;
    header.kernel_alignment = KERNEL_ALIGNMENT;
    header.cmd_line_ptr = low(command_line.0);
    header.cmdline_size = low(len_bytes as u64);
    header.ramdisk_image = low(module.paddr);
    header.ramdisk_size = low(module.size);
    let map = memory_map::of_a_pc(memory);
    for (entry, part) in parameters.e820_table.iter_mut().zip(&map) {
        *entry = boot_e820_entry {
            addr: part.start,
            size: part.len_bytes,
            r#type: part.kind,
        };
    }
    parameters.e820_entries = map.len() as u8;
    parameters.acpi_rsdp_addr = acpi::TABLES.0;
    parameters
}

fn write_tables(memory: &GuestMemoryMmap) -> Result<(), GuestMemoryError> {
    let table = |level: u64| PAGE_TABLES.0 + level * TABLE_BYTES;
    memory.write_obj(table(1) | PRESENT_AND_WRITABLE, GuestAddress(table(0)))?;
    memory.write_obj(table(2) | PRESENT_AND_WRITABLE, GuestAddress(table(1)))?;
    for index in 0..ENTRIES {
        let entry = index << LARGE_PAGE_SHIFT | LARGE | PRESENT_AND_WRITABLE;
        memory.write_obj(entry, GuestAddress(table(2) + index * size_of::<u64>() as u64))?;
    }
    for (index, descriptor) in (0..).zip(DESCRIPTORS) {
        memory.write_obj(
            descriptor,
            GuestAddress(SEGMENTS.0 + index * size_of::<u64>() as u64),
        )?;
    }
    Ok(())
}
