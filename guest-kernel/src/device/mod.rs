//! Devices: the serial console, and the port through which the VMM learns what happens.

pub(crate) mod console;
pub(crate) mod events;
