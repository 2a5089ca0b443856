//! Devices: the serial console, the port through which the VMM learns what happens, a disk to swap to, sockets to the host, and one that has no hardware
//! and shows what a driver can do.

pub(crate) mod block;
pub(crate) mod console;
pub(crate) mod testdev;
pub(crate) mod virtio;
pub(crate) mod vmm;
pub(crate) mod vsock;
