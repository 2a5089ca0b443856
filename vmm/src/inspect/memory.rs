//! Guest physical memory as the inspector sees it: bytes to be copied out.

use abi::PAGE_SIZE;
use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryMmap};

use crate::address::{FrameNumber, PhysAddr};

/// Guest physical memory, to be read only.
#[derive(Clone, Copy, Debug)]
pub struct PhysicalMemory<'m> {
    memory: &'m GuestMemoryMmap,
    frames: u64,
}

/// Copy of a frame's contents.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(align(8))]
pub struct FrameBytes(pub [u8; PAGE_SIZE as usize]);

/// An access outside guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{len_bytes} bytes at physical address {address} are not inside guest memory")]
pub struct OutsideMemory {
    /// First address of the access.
    pub address: PhysAddr,
    /// Its length in bytes.
    pub len_bytes: usize,
}

impl<'m> PhysicalMemory<'m> {
    /// Views guest memory.
    #[must_use]
    pub fn new(memory: &'m GuestMemoryMmap) -> Self {
        let last = PhysAddr(memory.last_addr().0);
        Self {
            memory,
            frames: last.frame().0 + 1,
        }
    }

    /// Number of frames from physical address 0 to the end of memory. Holes count: reading them fails.
    #[must_use]
    pub const fn frames(self) -> u64 {
        self.frames
    }

    /// Whether all of a frame is in guest memory.
    #[must_use]
    pub fn has_frame(self, frame: FrameNumber) -> bool {
        let len_bytes = usize::try_from(PAGE_SIZE).expect("a page is small");
        frame.0 < self.frames && self.memory.check_range(GuestAddress(frame.start().0), len_bytes)
    }

    /// Reads eight bytes, little endian.
    ///
    /// # Errors
    /// If they do not all lie in guest memory.
    pub fn read_u64(self, address: PhysAddr) -> Result<u64, OutsideMemory> {
        let mut bytes = [0; 8];
        self.copy(address, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Copies a whole frame out.
    ///
    /// # Errors
    /// If the frame is not in guest memory.
    pub fn copy_frame(self, frame: FrameNumber, to: &mut FrameBytes) -> Result<(), OutsideMemory> {
        if frame.0 >= self.frames {
            return Err(OutsideMemory {
                address: frame.start(),
                len_bytes: to.0.len(),
            });
        }
        self.copy(frame.start(), &mut to.0)
    }

    /// Copies any range out.
    ///
    /// # Errors
    /// If the range does not lie in guest memory; `to` may then hold a part of it.
    pub fn copy(self, address: PhysAddr, to: &mut [u8]) -> Result<(), OutsideMemory> {
        let len_bytes = to.len();
        self.memory
            .read_slice(to, GuestAddress(address.0))
            .map_err(|_| OutsideMemory { address, len_bytes })
    }
}

impl FrameBytes {
    /// A frame of zeros.
    #[must_use]
    pub const fn zeroed() -> Self {
        Self([0; PAGE_SIZE as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_past_the_end_or_in_a_hole_is_an_error() {
        let ranges = [(GuestAddress(0), 0x2000), (GuestAddress(0x4000), 0x1000)];
        let guest = GuestMemoryMmap::from_ranges(&ranges).unwrap();
        let memory = PhysicalMemory::new(&guest);
        assert_eq!(memory.frames(), 5);
        assert_eq!(memory.read_u64(PhysAddr(0x1ff8)), Ok(0));
        assert_eq!(
            memory.read_u64(PhysAddr(0x1ff9)),
            Err(OutsideMemory {
                address: PhysAddr(0x1ff9),
                len_bytes: 8
            })
        );
        assert!(memory.read_u64(PhysAddr(u64::MAX - 3)).is_err());

        let mut bytes = FrameBytes::zeroed();
        assert!(memory.copy_frame(FrameNumber(3), &mut bytes).is_err());
        assert!(memory.copy_frame(FrameNumber(4), &mut bytes).is_ok());
        assert!(memory.copy_frame(FrameNumber(u64::MAX), &mut bytes).is_err());
    }
}
