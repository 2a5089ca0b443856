//! A line from a device to the interrupt controllers of its machine.

use std::io;

use vm_superio::Trigger;
use vmm_sys_util::eventfd::EventFd;

/// A line by which a device interrupts. Where the machine has no interrupt controller it leads nowhere, and the driver looks by itself.
#[derive(Debug, Default)]
pub(crate) struct InterruptLine(Option<EventFd>);

impl InterruptLine {
    /// A line to what KVM connects with this event: each write to it is an interrupt.
    pub(crate) fn to(event: EventFd) -> Self {
        Self(Some(event))
    }

    /// Interrupts the processor.
    pub(crate) fn raise(&self) {
        self.trigger().expect("the event's counter is far from its end");
    }
}

impl Trigger for InterruptLine {
    type E = io::Error;

    fn trigger(&self) -> Result<(), Self::E> {
        self.0.as_ref().map_or(Ok(()), |event| event.write(1))
    }
}
