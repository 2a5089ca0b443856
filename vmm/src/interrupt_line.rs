//! A line from a device to the interrupt controllers of its machine.

use std::fmt;
use std::io;

use vm_superio::Trigger;

/// A line by which a device interrupts. Where the machine has no interrupt controller it leads nowhere, and the driver looks by itself.
#[derive(Default)]
pub(crate) struct InterruptLine(Option<Box<Pulse>>);

/// Has the line rise and fall. The interrupt is there when it returns, so that the guest cannot run on without it.
type Pulse = dyn Fn() -> io::Result<()> + Send;

impl InterruptLine {
    /// A line that each pulse of it interrupts by.
    pub(crate) fn to(pulse: impl Fn() -> io::Result<()> + Send + 'static) -> Self {
        Self(Some(Box::new(pulse)))
    }

    /// Interrupts the processor.
    pub(crate) fn raise(&self) {
        self.trigger().expect("the machine has the line");
    }
}

impl fmt::Debug for InterruptLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leads = if self.0.is_some() {
            "to the processor"
        } else {
            "nowhere"
        };
        write!(formatter, "InterruptLine({leads})")
    }
}

impl Trigger for InterruptLine {
    type E = io::Error;

    fn trigger(&self) -> Result<(), Self::E> {
        self.0.as_ref().map_or(Ok(()), |pulse| pulse())
    }
}
