//! Devices: the serial console, the port through which the VMM learns what happens, and a disk to swap to.

pub(crate) mod block;
pub(crate) mod console;
pub(crate) mod events;
