//! The disk: a virtio block device, seen in pages. The driver is the `virtio-drivers` crate's.

#![allow(unsafe_code, reason = "memory that a device reads and writes")]

use core::fmt;

use abi::PAGE_SIZE;
use virtio_drivers::Error;
use virtio_drivers::device::blk::{BlkReq, BlkResp, SECTOR_SIZE, VirtIOBlk};
use virtio_drivers::transport::mmio::MmioTransport;

use super::virtio::DirectMap;

const SECTORS_PER_PAGE: usize = PAGE_SIZE as usize / SECTOR_SIZE;

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
    /// Starts the device behind the registers. Panics if it cannot be.
    pub(crate) fn start(transport: MmioTransport<'static>) -> Self {
        let driver = VirtIOBlk::new(transport);
        Self {
            driver: driver.unwrap_or_else(|error| panic!("the disk does not start: {error}")),
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
