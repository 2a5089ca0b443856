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

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICES: [VirtioDevice; 2] = [
        VirtioDevice {
            registers: 0xd040_0000,
            line: 5,
        },
        VirtioDevice {
            registers: 0xd040_1000,
            line: 6,
        },
    ];

    /// Guest memory with the tables for these devices.
    fn written(devices: &[VirtioDevice]) -> GuestMemoryMmap {
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 1 << 20)]).unwrap();
        write(&memory, devices).unwrap();
        memory
    }

    fn part(memory: &GuestMemoryMmap, at: u64, len_bytes: usize) -> Vec<u8> {
        let mut bytes = vec![0; len_bytes];
        memory.read_slice(&mut bytes, GuestAddress(at)).unwrap();
        bytes
    }

    fn number(memory: &GuestMemoryMmap, at: u64) -> u64 {
        u64::from_le_bytes(part(memory, at, 8).try_into().unwrap())
    }

    /// A table with this signature, whose bytes add up to nothing.
    fn table(memory: &GuestMemoryMmap, at: u64, signature: &[u8; 4]) -> Vec<u8> {
        assert_eq!(part(memory, at, 4), signature);
        let len_bytes = (number(memory, at + 4) as u32) as usize;
        let table = part(memory, at, len_bytes);
        assert_eq!(
            table.iter().copied().fold(0, u8::wrapping_add),
            0,
            "{signature:?}"
        );
        table
    }

    #[test]
    fn the_first_table_leads_to_all_others_and_each_adds_up() {
        let memory = written(&DEVICES);
        let first = part(&memory, TABLES.0, Rsdp::len());
        assert_eq!(&first[..8], b"RSD PTR ");
        for len_bytes in [20, first.len()] {
            assert_eq!(first[..len_bytes].iter().copied().fold(0, u8::wrapping_add), 0);
        }
        let list_at = number(&memory, TABLES.0 + 24);
        table(&memory, list_at, b"XSDT");
        let fixed_at = number(&memory, list_at + u64::from(HEADER_BYTES));
        table(&memory, fixed_at, b"FACP");
        // X_DSDT of the fixed table.
        let described_at = number(&memory, fixed_at + 140);
        table(&memory, described_at, b"DSDT");
        assert!(described_at < TABLES.0 + TABLES_BYTES);
    }

    #[test]
    fn each_device_is_there_with_its_registers_and_its_line() {
        let described = describe(&DEVICES);
        let count = |wanted: &[u8]| {
            described
                .windows(wanted.len())
                .filter(|part| *part == wanted)
                .count()
        };
        assert_eq!(count(VIRTIO_MMIO.as_bytes()), 2);
        for device in DEVICES {
            assert_eq!(count(&(device.registers as u32).to_le_bytes()), 1);
            // Of the interrupt: one of them, with this number.
            assert_eq!(count(&[&[1], &device.line.to_le_bytes()[..]].concat()), 1);
        }
        assert_eq!(describe(&[]).len(), HEADER_BYTES as usize);
    }
}
