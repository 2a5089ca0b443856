//! What the guest says to the VMM, and how: a module for each device. Two more, the disk and
//! the sockets, are [`crate::block`] and [`crate::vsock`].
//!
//! - [`doorbell`]: agents ask for operations and report what came of them
//! - [`event`]: the kernel reports what it does; [`EventPort`]: where the reports wait
//! - [`console`]: a serial port; [`log`]: the kernel's log on it, where it has one of its own
//! - [`schedule`]: the kernel asks who goes on
//! - `pc`: the oldest parts of a PC; `bus`: which of all these is where
//!
//! **Invariant:** everything here is a claim. It is copied out, checked for shape and bounded in size; nothing in it is
//! believed.

mod bus;
pub mod console;
pub mod doorbell;
pub mod event;
pub mod log;
mod pc;
mod reports;
pub mod schedule;

use vm_memory::GuestMemoryMmap;

use crate::address::PhysAddr;
use crate::block::BlockDevice;
use crate::machine::Machine;
use crate::printable::Printable;
use crate::virtio;
use crate::vsock::SocketDevice;
use bus::{MemoryDevice, PortDevice};
pub use console::Console;
pub(crate) use doorbell::{Call, Direction, doorbell_addresses};
pub use doorbell::{Channel, Doorbell, Hello, Operation, Reply};
pub use event::Event;
pub use log::Log;
pub use pc::PowerManagement;
pub(crate) use pc::{POWER_CONTROL, POWER_EVENTS};
pub use reports::EventPort;
pub use schedule::SchedulePort;

/// The devices of a machine.
#[derive(Default)]
pub struct Devices {
    /// Where agents ring.
    pub doorbell: Doorbell,
    /// Where the kernel reports.
    pub events: EventPort,
    /// Of which machine they are.
    pub machine: Machine,
    /// The serial port; of a PC the first one.
    pub console: Console,
    /// The second serial port of a PC.
    pub second_console: Console,
    /// What a PC's kernel has logged on its first serial port.
    pub log: Log,
    /// Power management of a PC.
    pub power: PowerManagement,
    /// Where the kernel asks who goes on.
    pub schedule: SchedulePort,
    /// The disk that the guest swaps to, if it has one.
    pub block: Option<BlockDevice>,
    /// The sockets to servers of the host, if there are any.
    pub vsock: Option<SocketDevice>,
}

/// What each byte reads as where there is no device.
const NOTHING: u8 = 0xff;

/// What an access to a device asks of the one who runs the vCPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing: go on.
    Done,
    /// An agent waits for its next operation.
    Ring(Channel),
    /// The kernel reported something that may end the run.
    Reported,
    /// The processor is to be reset, which ends the machine.
    Reset,
}

impl Devices {
    /// Whether what is written to I/O port `port` is a byte that a program prints, while that program runs. A PC's second serial port
    /// sends when it is interrupted, whoever runs then.
    pub(crate) fn prints(&self, port: u16) -> bool {
        match self.machine {
            Machine::Bare => bus::port(self.machine, port) == Some((PortDevice::Serial, 0)),
            Machine::Pc => false,
        }
    }

    /// What programs have printed since this was last called.
    pub fn take_output(&mut self) -> Vec<u8> {
        match self.machine {
            Machine::Bare => self.console.take(),
            Machine::Pc => self.second_console.take(),
        }
    }

    /// The last lines that the kernel has logged; where log and output share a port, the last ones there that nobody has taken.
    #[must_use]
    pub fn last_lines(&self) -> Vec<Printable> {
        match self.machine {
            Machine::Bare => {
                let mut log = Log::default();
                log.add(self.console.printed());
                log.last_lines()
            }
            Machine::Pc => self.log.last_lines(),
        }
    }

    /// A read from I/O port `port`; `data` is filled in.
    pub(crate) fn port_read(&mut self, port: u16, data: &mut [u8]) {
        let Some((device, offset)) = bus::port(self.machine, port) else {
            data.fill(NOTHING);
            return;
        };
        match device {
            PortDevice::Serial => data.fill_with(|| self.console.read(offset)),
            PortDevice::SecondSerial => data.fill_with(|| self.second_console.read(offset)),
            PortDevice::KeyboardController | PortDevice::RealTimeClock => data.fill(pc::ANSWER),
            PortDevice::PowerManagement => self.power.read(offset, data),
            PortDevice::Events => match data.as_mut_array() {
                Some(data) => *data = abi::event::PRESENCE.to_le_bytes(),
                None => data.fill(NOTHING),
            },
            PortDevice::Schedule => match (self.events.last(), data.as_mut_array()) {
                (Some(Event::Choice(choice)), Some(data)) => {
                    *data = self.schedule.decide(choice).to_le_bytes();
                }
                _ => data.fill(NOTHING),
            },
        }
    }

    /// A write to I/O port `port`.
    pub(crate) fn port_write(&mut self, port: u16, data: &[u8], memory: &GuestMemoryMmap) -> Access {
        let Some((device, offset)) = bus::port(self.machine, port) else {
            return Access::Done;
        };
        match device {
            PortDevice::Serial => {
                data.iter().for_each(|byte| self.console.write(offset, *byte));
                self.read_log()
            }
            PortDevice::SecondSerial => {
                data.iter()
                    .for_each(|byte| self.second_console.write(offset, *byte));
                Access::Done
            }
            PortDevice::KeyboardController if pc::resets(offset, data) => Access::Reset,
            PortDevice::Events => match <[u8; 4]>::try_from(data) {
                Ok(address) => {
                    self.events
                        .report(PhysAddr(u32::from_le_bytes(address).into()), memory);
                    Access::Reported
                }
                Err(_) => Access::Done,
            },
            PortDevice::PowerManagement => {
                self.power.write(offset, data);
                Access::Done
            }
            PortDevice::KeyboardController | PortDevice::RealTimeClock | PortDevice::Schedule => Access::Done,
        }
    }

    /// Takes note of what has come of the kernel's log.
    fn read_log(&mut self) -> Access {
        match self.machine {
            Machine::Bare => Access::Done,
            Machine::Pc => {
                let events = self.log.add(&self.console.take());
                if events.is_empty() {
                    return Access::Done;
                }
                events.into_iter().for_each(|event| self.events.add(event));
                Access::Reported
            }
        }
    }

    /// A read from guest physical address `address`, behind which there is no memory; `data` is filled in, or left to
    /// the answer when an agent rings.
    pub(crate) fn memory_read(&mut self, address: PhysAddr, data: &mut [u8]) -> Access {
        if let Some((device, register)) = self.virtio(address) {
            match data.as_mut_array() {
                Some(data) => *data = device.read(register).to_le_bytes(),
                None => data.fill(0),
            }
            return Access::Done;
        }
        match (Doorbell::register(address), data.len()) {
            (Some((channel, abi::doorbell::NEXT)), 8) => Access::Ring(channel),
            (Some((channel, register)), 8) => {
                data.copy_from_slice(&self.doorbell.read(channel, register).to_le_bytes());
                Access::Done
            }
            _ => {
                data.fill(NOTHING);
                Access::Done
            }
        }
    }

    /// A write to guest physical address `address`, behind which there is no memory.
    pub(crate) fn memory_write(&mut self, address: PhysAddr, data: &[u8], memory: &GuestMemoryMmap) {
        if let Some((device, register)) = self.virtio(address) {
            if let Ok(value) = data.try_into() {
                device.write(register, u32::from_le_bytes(value), memory);
            }
            return;
        }
        if let (Some((channel, register)), Ok(value)) =
            (Doorbell::register(address), <[u8; 8]>::try_from(data))
        {
            self.doorbell.write(channel, register, u64::from_le_bytes(value));
        }
    }

    /// The device of virtio at a guest physical address, and which of its registers.
    fn virtio(&mut self, address: PhysAddr) -> Option<(&mut dyn virtio::Device, u32)> {
        let (device, offset) = bus::memory(address.0)?;
        let register = u32::try_from(offset).ok()?;
        let device: &mut dyn virtio::Device = match device {
            MemoryDevice::Doorbell => return None,
            MemoryDevice::Block => self.block.as_mut()?,
            MemoryDevice::Vsock => self.vsock.as_mut()?,
        };
        Some((device, register))
    }
}
