//! The tables by which a kernel for PCs learns of devices that no bus finds (Advanced Configuration and Power Interface 6.5, chapter 5): one
//! that leads to the others, one of the fixed hardware, and one in AML, which names each device of virtio with its registers and its
//! interrupt line.
//!
//! Power management is there as far as no kernel does without: registers in which nothing ever happens.

use acpi_tables::Aml;
use acpi_tables::aml::{Device, Interrupt, Memory32Fixed, Name, Path, ResourceTemplate, Scope};
use acpi_tables::fadt::{FADT, FADTBuilder, Flags};
use acpi_tables::rsdp::Rsdp;
use acpi_tables::sdt::Sdt;
use acpi_tables::xsdt::XSDT;
use vm_memory::{Bytes, GuestAddress, GuestMemoryError, GuestMemoryMmap};

use crate::channel::{POWER_CONTROL, POWER_EVENTS};

/// Where the tables lie: in the part of a PC's firmware in which kernels look for the first of them, which is at its begin.
pub(super) const TABLES: GuestAddress = GuestAddress(0xe_0000);
/// Bytes that are kept for them.
pub(super) const TABLES_BYTES: u64 = 0x1_0000;

/// Tables begin at multiples of this.
const ALIGNMENT: u64 = 64;
/// Whose tables they are.
const MAKER: [u8; 6] = *b"RINGSD";
const TABLE: [u8; 8] = *b"RINGSIDE";
const REVISION: u32 = 1;
/// Length of the header that all tables have, and the revision since which numbers in AML have 64 bits.
const HEADER_BYTES: u32 = 36;
const AML_REVISION: u8 = 2;
/// Hardware identifier of a device of virtio with registers in memory (the virtio specification leaves it to Linux, `drivers/virtio/virtio_mmio.c`).
const VIRTIO_MMIO: &str = "LNRO0005";
/// The line by which power management would interrupt, where every PC has it.
const POWER_LINE: u16 = 9;
/// Of the boot flags in the fixed table: there is neither a VGA adapter nor a clock with an alarm, nor are there message-signalled interrupts. Devices of an ISA bus
/// (the serial ports) there are; a keyboard controller, which is another flag, there is not.
const LEGACY_DEVICES: u16 = 1;
const NO_VGA: u16 = 1 << 2;
const NO_MESSAGE_SIGNALLED_INTERRUPTS: u16 = 1 << 3;
const NO_CLOCK: u16 = 1 << 5;

/// A device of virtio: physical address of its registers, and its interrupt line.
#[derive(Clone, Copy, Debug)]
pub(super) struct VirtioDevice {
    pub(super) registers: u64,
    pub(super) line: u32,
}

/// Writes the tables for a machine with these devices.
///
/// # Errors
/// Guest memory ends before the tables do.
pub(super) fn write(memory: &GuestMemoryMmap, devices: &[VirtioDevice]) -> Result<(), GuestMemoryError> {
    let after = |start: GuestAddress, len_bytes: usize| {
        GuestAddress((start.0 + len_bytes as u64).next_multiple_of(ALIGNMENT))
    };
    let described = describe(devices);
    let list_at = after(TABLES, Rsdp::len());
    let fixed_at = after(list_at, HEADER_BYTES as usize + size_of::<u64>());
    let described_at = after(fixed_at, FADT::len());
    debug_assert!(described_at.0 + (described.len() as u64) <= TABLES.0 + TABLES_BYTES);

    let mut list = XSDT::new(MAKER, TABLE, REVISION);
    list.add_entry(fixed_at.0);
    for (table, at) in [
        (bytes(&Rsdp::new(MAKER, list_at.0)), TABLES),
        (bytes(&list), list_at),
        (bytes(&fixed(described_at)), fixed_at),
        (described, described_at),
    ] {
        memory.write_slice(&table, at)?;
    }
    Ok(())
}

fn bytes(table: &dyn Aml) -> Vec<u8> {
    let mut bytes = Vec::new();
    table.to_aml_bytes(&mut bytes);
    bytes
}

/// The table of the fixed hardware, which leads to the one in AML.
fn fixed(described_at: GuestAddress) -> FADT {
    // Buttons are devices in AML, if there are any; no register has them.
    let mut table = FADTBuilder::new(MAKER, TABLE, REVISION)
        .flag(Flags::Wbinvd)
        .flag(Flags::PwrButton)
        .flag(Flags::SlpButton)
        .dsdt_64(described_at.0);
    table.sci_int = POWER_LINE.into();
    table.iapc_boot_arch = (LEGACY_DEVICES | NO_VGA | NO_MESSAGE_SIGNALLED_INTERRUPTS | NO_CLOCK).into();
    table.pm1a_evt_blk = u32::from(POWER_EVENTS.start).into();
    table.pm1_evt_len = POWER_EVENTS.len() as u8;
    table.pm1a_cnt_blk = u32::from(POWER_CONTROL.start).into();
    table.pm1_cnt_len = POWER_CONTROL.len() as u8;
    table.finalize()
}

/// The table in AML.
fn describe(devices: &[VirtioDevice]) -> Vec<u8> {
    let mut definitions = Vec::new();
    for (number, device) in (0_u8..).zip(devices) {
        let registers = u32::try_from(device.registers).expect("registers lie below 4 GiB");
        let len_bytes = u32::try_from(abi::virtio::LEN_BYTES).expect("registers are few");
        let registers = Memory32Fixed::new(true, registers, len_bytes);
        // It takes the line, which tells by its edge, is high when it is raised, and is nobody else's.
        let line = Interrupt::new(true, true, false, false, device.line);
        let resources = ResourceTemplate::new(vec![&registers, &line]);
        let identifier = Name::new(Path::new("_HID"), &VIRTIO_MMIO);
        let number_of_its_kind = Name::new(Path::new("_UID"), &number);
        let resources = Name::new(Path::new("_CRS"), &resources);
        let name = format!("VIO{number}");
        let device = Device::new(
            Path::new(&name),
            vec![&identifier, &number_of_its_kind, &resources],
        );
        definitions.extend(bytes(&Scope::new(Path::new("_SB_"), vec![&device])));
    }
    let mut table = Sdt::new(*b"DSDT", HEADER_BYTES, AML_REVISION, MAKER, TABLE, REVISION);
    table.append_slice(&definitions);
    table.as_slice().to_vec()
}
