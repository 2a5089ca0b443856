//! What the guest says to the VMM, and how: a module for each device. Two more, the disk and
//! the sockets, are [`crate::block`] and [`crate::vsock`].
//!
//! - [`doorbell`]: agents ask for operations and report what came of them
//! - [`event`]: the kernel reports what it does; [`EventPort`]: where the reports wait
//! - [`console`]: the serial port
//! - [`schedule`]: the kernel asks who goes on
//!
//! **Invariant:** everything here is a claim. It is copied out, checked for shape and bounded in size; nothing in it is
//! believed.

pub mod console;
pub mod doorbell;
pub mod event;
mod reports;
pub mod schedule;

use vm_memory::GuestMemoryMmap;

use crate::address::PhysAddr;
use crate::block::BlockDevice;
use crate::virtio;
use crate::vsock::SocketDevice;
pub use console::Console;
pub(crate) use doorbell::{Call, Direction, doorbell_addresses};
pub use doorbell::{Channel, Doorbell, Hello, Operation, Reply};
pub use event::Event;
pub use reports::EventPort;
pub use schedule::SchedulePort;

/// The devices of a machine.
#[derive(Default)]
pub struct Devices {
    /// Where agents ring.
    pub doorbell: Doorbell,
    /// Where the kernel reports.
    pub events: EventPort,
    /// The serial port.
    pub console: Console,
    /// Where the kernel asks who goes on.
    pub schedule: SchedulePort,
    /// The disk that the guest swaps to, if it has one.
    pub block: Option<BlockDevice>,
    /// The sockets to servers of the host, if there are any.
    pub vsock: Option<SocketDevice>,
}

/// What an access to a device asks of the one who runs the vCPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing: go on.
    Done,
    /// An agent waits for its next operation.
    Ring(Channel),
    /// The kernel reported something that may end the run.
    Reported,
}

impl Devices {
    /// A read from I/O port `port`; `data` is filled in.
    pub(crate) fn port_read(&mut self, port: u16, data: &mut [u8]) {
        if let Some(offset) = serial_offset(port) {
            data.fill_with(|| self.console.read(offset));
        } else if port == abi::event::PORT && data.len() == size_of::<u32>() {
            data.copy_from_slice(&abi::event::PRESENCE.to_le_bytes());
        } else if let (abi::schedule::PORT, Some(Event::Choice(choice)), Ok(answer)) =
            (port, self.events.last(), <&mut [u8; 4]>::try_from(&mut *data))
        {
            *answer = self.schedule.decide(choice).to_le_bytes();
        } else {
            data.fill(0xff);
        }
    }

    /// A write to I/O port `port`.
    pub(crate) fn port_write(&mut self, port: u16, data: &[u8], memory: &GuestMemoryMmap) -> Access {
        if let Some(offset) = serial_offset(port) {
            data.iter().for_each(|byte| self.console.write(offset, *byte));
            return Access::Done;
        }
        match (port, <[u8; 4]>::try_from(data)) {
            (abi::event::PORT, Ok(address)) => {
                self.events
                    .report(PhysAddr(u32::from_le_bytes(address).into()), memory);
                Access::Reported
            }
            _ => Access::Done,
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
                data.fill(0xff);
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
        let block = self
            .block
            .as_mut()
            .zip(virtio::register(abi::block::PHYS_BASE, address));
        let vsock = self
            .vsock
            .as_mut()
            .zip(virtio::register(abi::vsock::PHYS_BASE, address));
        match (block, vsock) {
            (Some((block, register)), _) => Some((block, register)),
            (None, Some((vsock, register))) => Some((vsock, register)),
            (None, None) => None,
        }
    }
}

/// Whether what is written to I/O port `port` is printed.
pub(crate) fn is_output(port: u16) -> bool {
    serial_offset(port) == Some(0)
}

/// Register of the serial port behind an I/O port; it has eight.
fn serial_offset(port: u16) -> Option<u8> {
    let offset = port.checked_sub(abi::boot::SERIAL_PORT)?;
    u8::try_from(offset).ok().filter(|offset| *offset < 8)
}
