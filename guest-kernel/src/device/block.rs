//! The disk: a virtio block device behind registers in memory, seen in pages. The driver is the `virtio-drivers` crate's.
//!
//! There are no interrupts. Ringside's device is done when it has been notified; with any other the kernel would wait.

#![allow(unsafe_code, reason = "memory that a device reads and writes")]

use core::fmt;
use core::ptr::NonNull;

use abi::PAGE_SIZE;
use virtio_drivers::device::blk::{BlkReq, BlkResp, SECTOR_SIZE, VirtIOBlk};
use virtio_drivers::transport::mmio::MmioTransport;
use virtio_drivers::{BufferDirection, Error, Hal};

use crate::mm::{self, PhysAddr, physical_address_of};

const SECTORS_PER_PAGE: usize = PAGE_SIZE as usize / SECTOR_SIZE;
/// Bytes of the registers: one page of them is mapped.
const REGISTERS_BYTES: usize = PAGE_SIZE as usize;

/// A disk.
pub(crate) struct Disk {
    driver: VirtIOBlk<DirectMap, MmioTransport<'static>>,
    /// In static memory or on the heap, where the device finds them in one piece; a stack's frames lie anywhere.
    request: BlkReq,
    response: BlkResp,
}

/// The disk did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DiskError(Error);

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Disk {
    /// Starts the device whose registers are at `address`. Panics if there is no such device: whoever wrote the command
    /// line said that there is.
    pub(crate) fn start(address: PhysAddr) -> Self {
        let registers = mm::map_registers(address).expect("memory is plenty at boot");
        let header =
            NonNull::new(registers.as_u64() as *mut _).expect("the kernel's half does not hold address 0");
        // SAFETY: the page of registers was just mapped, stays so, and nobody else uses it.
        let transport = unsafe { MmioTransport::new(header, REGISTERS_BYTES) };
        let transport = transport.unwrap_or_else(|error| panic!("no virtio device at {address:?}: {error}"));
        let driver = VirtIOBlk::new(transport);
        Self {
            driver: driver.unwrap_or_else(|error| panic!("no virtio disk at {address:?}: {error}")),
            request: BlkReq::default(),
            response: BlkResp::default(),
        }
    }

    /// Whole pages of the disk.
    pub(crate) fn pages(&self) -> u32 {
        let pages = self.driver.capacity() / SECTORS_PER_PAGE as u64;
        u32::try_from(pages).unwrap_or(u32::MAX)
    }

    /// Reads a page of the disk.
    pub(crate) fn read(&mut self, page: u32, into: &mut [u8]) -> Result<(), DiskError> {
        let sector = page as usize * SECTORS_PER_PAGE;
        let (request, response) = (&mut self.request, &mut self.response);
        // SAFETY: the three buffers are borrowed until the request is complete, below.
        let token =
            unsafe { self.driver.read_blocks_nb(sector, request, into, response) }.map_err(DiskError)?;
        while self.driver.peek_used() != Some(token) {
            core::hint::spin_loop();
        }
        // SAFETY: the buffers are those that the token was given for.
        unsafe { self.driver.complete_read_blocks(token, request, into, response) }.map_err(DiskError)
    }

    /// Writes a page of the disk.
    pub(crate) fn write(&mut self, page: u32, from: &[u8]) -> Result<(), DiskError> {
        let sector = page as usize * SECTORS_PER_PAGE;
        let (request, response) = (&mut self.request, &mut self.response);
        // SAFETY: the three buffers are borrowed until the request is complete, below.
        let token =
            unsafe { self.driver.write_blocks_nb(sector, request, from, response) }.map_err(DiskError)?;
        while self.driver.peek_used() != Some(token) {
            core::hint::spin_loop();
        }
        // SAFETY: the buffers are those that the token was given for.
        unsafe { self.driver.complete_write_blocks(token, request, from, response) }.map_err(DiskError)
    }
}

/// How the driver gets at memory: the direct map, in which the device's addresses are the kernel's but for the base.
struct DirectMap;

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

    /// Only a disk that could not be started gives its memory back, and then the kernel stops.
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
