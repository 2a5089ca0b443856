//! Which device is at which I/O port and at which guest physical address: a device is a name, a range and the module behind it.

use std::ops::Range;

use super::pc::{POWER_CONTROL, POWER_EVENTS};
use crate::machine::Machine;

/// A device's place on a bus.
#[derive(Clone, Debug)]
pub(super) struct Place<D> {
    range: Range<u64>,
    device: D,
}

/// What is behind I/O ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PortDevice {
    /// [`super::Console`]: the first serial port.
    Serial,
    /// [`super::Console`]: the second one.
    SecondSerial,
    /// [`super::pc`]
    KeyboardController,
    /// [`super::pc`]
    RealTimeClock,
    /// [`super::pc`]
    PowerManagement,
    /// [`super::EventPort`]
    Events,
    /// [`super::SchedulePort`]
    Schedule,
}

/// What is at guest physical addresses without memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemoryDevice {
    /// [`super::Doorbell`]
    Doorbell,
    /// [`crate::block`]
    Block,
    /// [`crate::vsock`]
    Vsock,
}

/// Registers of a 16550A.
const SERIAL_PORTS: u64 = 8;
const SERIAL: u64 = abi::boot::SERIAL_PORT as u64;
/// Where a PC has its second serial port.
const SECOND_SERIAL: u64 = 0x2f8;
const KEYBOARD: u64 = 0x60;
const REAL_TIME_CLOCK: u64 = 0x70;
const POWER: u64 = POWER_EVENTS.start as u64;
const POWER_PORTS: u64 = (POWER_CONTROL.end - POWER_EVENTS.start) as u64;
const EVENTS: u64 = abi::event::PORT as u64;
const SCHEDULE: u64 = abi::schedule::PORT as u64;

const BARE: [Place<PortDevice>; 3] = [
    place(SERIAL, SERIAL_PORTS, PortDevice::Serial),
    place(EVENTS, 1, PortDevice::Events),
    place(SCHEDULE, 1, PortDevice::Schedule),
];

const PC: [Place<PortDevice>; 7] = [
    place(SERIAL, SERIAL_PORTS, PortDevice::Serial),
    place(SECOND_SERIAL, SERIAL_PORTS, PortDevice::SecondSerial),
    // Data, and command and status four ports behind it. Of what lies between, KVM answers the timer's gate itself.
    place(KEYBOARD, 5, PortDevice::KeyboardController),
    place(REAL_TIME_CLOCK, 2, PortDevice::RealTimeClock),
    place(POWER, POWER_PORTS, PortDevice::PowerManagement),
    place(EVENTS, 1, PortDevice::Events),
    place(SCHEDULE, 1, PortDevice::Schedule),
];

const MEMORY: [Place<MemoryDevice>; 3] = [
    place(
        abi::doorbell::PHYS_BASE,
        abi::doorbell::LEN_BYTES,
        MemoryDevice::Doorbell,
    ),
    place(abi::block::PHYS_BASE, abi::virtio::LEN_BYTES, MemoryDevice::Block),
    place(abi::vsock::PHYS_BASE, abi::virtio::LEN_BYTES, MemoryDevice::Vsock),
];

const fn place<D>(start: u64, len: u64, device: D) -> Place<D> {
    Place {
        range: start..start + len,
        device,
    }
}

/// The device behind an I/O port of a machine, and which of its ports.
pub(super) fn port(machine: Machine, port: u16) -> Option<(PortDevice, u8)> {
    let places: &[Place<PortDevice>] = match machine {
        Machine::Bare => &BARE,
        Machine::Pc => &PC,
    };
    let (device, offset) = at(places, port.into())?;
    Some((device, u8::try_from(offset).ok()?))
}

/// The device at a guest physical address, and how far behind its first.
pub(super) fn memory(address: u64) -> Option<(MemoryDevice, u64)> {
    at(&MEMORY, address)
}

fn at<D: Copy>(places: &[Place<D>], address: u64) -> Option<(D, u64)> {
    let place = places.iter().find(|place| place.range.contains(&address))?;
    Some((place.device, address - place.range.start))
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn assert_apart<D: Debug>(places: &[Place<D>]) {
        for (index, one) in places.iter().enumerate() {
            for other in &places[index + 1..] {
                let apart = one.range.end <= other.range.start || other.range.end <= one.range.start;
                assert!(apart, "{:?} and {:?} overlap", one.device, other.device);
            }
        }
    }

    #[test]
    fn no_two_devices_of_a_machine_are_at_the_same_place() {
        assert_apart(&BARE);
        assert_apart(&PC);
        assert_apart(&MEMORY);
    }

    #[test]
    fn the_bare_machine_has_nothing_where_a_pc_has_its_second_serial_port() {
        assert_eq!(port(Machine::Bare, 0x2f8), None);
        assert_eq!(port(Machine::Pc, 0x2fd), Some((PortDevice::SecondSerial, 5)));
        assert_eq!(port(Machine::Pc, 0x300), None);
    }
}
