//! Devices of virtio behind registers in memory, as far as all of them are alike. Their queues are the `virtio-drivers` crate's.
//!
//! There are no interrupts. Ringside's devices are done with a request when they have been notified; with any other the kernel
//! would wait.

#![allow(unsafe_code, reason = "memory that a device reads and writes")]

use core::ptr::NonNull;

use abi::PAGE_SIZE;
use virtio_drivers::transport::mmio::MmioTransport;
use virtio_drivers::{BufferDirection, Hal};

use crate::mm::{self, PhysAddr, physical_address_of};

/// Bytes of the registers: one page of them is mapped.
const REGISTERS_BYTES: usize = PAGE_SIZE as usize;

/// The registers at `address`. Panics if there is no device: whoever wrote the command line said that there is.
pub(crate) fn open(address: PhysAddr) -> MmioTransport<'static> {
    let registers = mm::map_registers(address).expect("memory is plenty at boot");
    let header =
        NonNull::new(registers.as_u64() as *mut _).expect("the kernel's half does not hold address 0");
    // SAFETY: the page of registers was just mapped, stays so, and nobody else uses it.
    let transport = unsafe { MmioTransport::new(header, REGISTERS_BYTES) };
    transport.unwrap_or_else(|error| panic!("no virtio device at {address:?}: {error}"))
}

/// How a driver gets at memory: the direct map, in which the device's addresses are the kernel's but for the base.
pub(super) struct DirectMap;

// SAFETY: frames that are handed out are zero, in a row and nobody else's; and what is shared lies in the direct map, so
// that it is in one piece for the device too.
unsafe impl Hal for DirectMap {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (virtio_drivers::PhysAddr, NonNull<u8>) {
        match mm::allocate_for_device(pages) {
            Ok((address, pointer)) => (address.as_u64(), pointer),
            // The driver takes address 0 for a refusal.
            Err(mm::OutOfMemory) => (0, NonNull::dangling()),
        }
    }

    /// Only a device that could not be started gives its memory back, and then the kernel stops.
    unsafe fn dma_dealloc(_: virtio_drivers::PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        0
    }

    unsafe fn mmio_phys_to_virt(address: virtio_drivers::PhysAddr, _: usize) -> NonNull<u8> {
        unreachable!("registers at {address:#x} are not looked for: there is no PCI")
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> virtio_drivers::PhysAddr {
        // SAFETY: the caller passes a valid buffer, and the reference does not outlive the call.
        physical_address_of(unsafe { buffer.as_ref() }).as_u64()
    }

    unsafe fn unshare(_: virtio_drivers::PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}
