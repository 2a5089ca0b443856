//! The disk: a virtio block device, seen in pages. The driver is the `virtio-drivers` crate's.

#![allow(unsafe_code, reason = "memory that a device reads and writes")]

use abi::PAGE_SIZE;
use virtio_drivers::device::blk::{BlkReq, BlkResp, SECTOR_SIZE, VirtIOBlk};
use virtio_drivers::transport::mmio::MmioTransport;

use super::virtio::DirectMap;
use crate::mm::{Disk, DiskError};
use crate::sync::Lock;

const SECTORS_PER_PAGE: usize = PAGE_SIZE as usize / SECTOR_SIZE;

static DISK: Lock<Option<BlockDevice>> = Lock::new(None);

struct BlockDevice {
    driver: VirtIOBlk<DirectMap, MmioTransport<'static>>,
    /// In static memory, where the device finds them in one piece; a stack's frames lie anywhere.
    request: BlkReq,
    response: BlkResp,
}

/// Starts the device behind the registers, which is the only one. Panics if it cannot be.
pub(crate) fn start(transport: MmioTransport<'static>) -> &'static dyn Disk {
    let driver = VirtIOBlk::new(transport);
    *DISK.lock() = Some(BlockDevice {
        driver: driver.unwrap_or_else(|error| panic!("the disk does not start: {error}")),
        request: BlkReq::default(),
        response: BlkResp::default(),
    });
    &StartedDisk
}

/// The device, once it has been started.
struct StartedDisk;

impl StartedDisk {
    fn with<R>(f: impl FnOnce(&mut BlockDevice) -> R) -> R {
        f(DISK
            .lock()
            .as_mut()
            .expect("a disk that is handed out has been started"))
    }
}

impl Disk for StartedDisk {
    fn pages(&self) -> u32 {
        Self::with(|device| device.pages())
    }

    fn read(&self, page: u32, into: &mut [u8]) -> Result<(), DiskError> {
        Self::with(|device| device.read(page, into))
    }

    fn write(&self, page: u32, from: &[u8]) -> Result<(), DiskError> {
        Self::with(|device| device.write(page, from))
    }
}

impl BlockDevice {
    /// Whole pages of the disk.
    fn pages(&self) -> u32 {
        let pages = self.driver.capacity() / SECTORS_PER_PAGE as u64;
        u32::try_from(pages).unwrap_or(u32::MAX)
    }

    /// Reads a page of the disk.
    fn read(&mut self, page: u32, into: &mut [u8]) -> Result<(), DiskError> {
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
    fn write(&mut self, page: u32, from: &[u8]) -> Result<(), DiskError> {
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
