//! What the loader hands over: `hvm_start_info` of the PVH boot protocol (Xen's `arch-x86/hvm/start_info.h`).

#![allow(unsafe_code, reason = "what lies at addresses that the loader gives")]

use core::ops::Range;

use abi::PAGE_SIZE;
use abi::boot::MAX_MEMORY_MIB;

use crate::mm::{PhysAddr, UsableMemory, boot_bytes, boot_u32, boot_u64, image_range};

const MAGIC: u32 = 0x336e_c578;
const BYTES: u64 = 56;
/// Field offsets.
const VERSION: u64 = 4;
const MODULE_COUNT: u64 = 12;
const MODULE_LIST: u64 = 16;
const COMMAND_LINE: u64 = 24;
const MEMORY_MAP: u64 = 40;
const MEMORY_MAP_ENTRIES: u64 = 48;

/// A module: address, size, command line, reserved.
const MODULE_BYTES: u64 = 32;
/// A memory map entry: address, size, type, reserved.
const MAP_ENTRY_BYTES: u64 = 24;
const TYPE_RAM: u32 = 1;
/// Longest command line that is read.
const MAX_COMMAND_LINE_BYTES: usize = 4096;

/// The structure in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct StartInfo {
    at: PhysAddr,
}

impl StartInfo {
    /// Panics if it is not one, or too old to have a memory map.
    ///
    /// # Safety
    ///
    /// It and what it leads to must be memory that the loader filled. As long as it is asked for something, nobody may have taken memory;
    /// what was read of the command line stays.
    pub(super) unsafe fn read(at: PhysAddr) -> Self {
        let info = Self { at };
        let magic = info.u32_at(at);
        assert!(
            magic == MAGIC,
            "start info has magic {magic:#x}, expected {MAGIC:#x}"
        );
        let version = info.u32_at(at.plus(VERSION));
        assert!(
            version >= 1,
            "start info has version {version}, expected at least 1"
        );
        info
    }

    /// Without its NUL; empty if there is none.
    pub(super) fn command_line(&self) -> &'static [u8] {
        match self.u64_at(self.at.plus(COMMAND_LINE)) {
            0 => &[],
            address => {
                // SAFETY: the loader filled it, and `usable_memory` leaves it out, so that nobody ever stores to it. What follows the
                // NUL is looked at here only, before memory is taken.
                let bytes: &'static [u8] =
                    unsafe { boot_bytes(PhysAddr::new(address), MAX_COMMAND_LINE_BYTES) };
                core::ffi::CStr::from_bytes_until_nul(bytes).map_or(bytes, core::ffi::CStr::to_bytes)
            }
        }
    }

    /// Physical addresses of the first module; empty if there is none.
    pub(super) fn initrd(&self) -> Range<u64> {
        if self.u32_at(self.at.plus(MODULE_COUNT)) == 0 {
            return 0..0;
        }
        let module = PhysAddr::new(self.u64_at(self.at.plus(MODULE_LIST)));
        let start = self.u64_at(module);
        start..start + self.u64_at(module.plus(8))
    }

    /// All RAM that the kernel can map, without its image, the initrd and what the loader left for the kernel.
    pub(super) fn usable_memory(&self) -> UsableMemory {
        let map = self.u64_at(self.at.plus(MEMORY_MAP));
        let entries = u64::from(self.u32_at(self.at.plus(MEMORY_MAP_ENTRIES)));
        let mut usable = UsableMemory::default();
        for entry in (0..entries).map(|index| PhysAddr::new(map + index * MAP_ENTRY_BYTES)) {
            if self.u32_at(entry.plus(16)) == TYPE_RAM {
                let start = self.u64_at(entry);
                usable.add_ram(start, start + self.u64_at(entry.plus(8)), MAX_MEMORY_MIB << 20);
            }
        }
        let modules = self.u64_at(self.at.plus(MODULE_LIST));
        let module_count = u64::from(self.u32_at(self.at.plus(MODULE_COUNT)));
        let command_line = self.u64_at(self.at.plus(COMMAND_LINE));
        for used in [
            // No frame has number 0.
            0..PAGE_SIZE,
            image_range(),
            self.initrd(),
            self.at.as_u64()..self.at.as_u64() + BYTES,
            map..map + entries * MAP_ENTRY_BYTES,
            modules..modules + module_count * MODULE_BYTES,
            command_line..command_line + self.command_line().len() as u64 + 1,
        ] {
            usable.remove(used.start, used.end);
        }
        usable
    }

    fn u32_at(&self, at: PhysAddr) -> u32 {
        // SAFETY: `at` is where the start info leads, for which whoever had it read has vouched.
        unsafe { boot_u32(at) }
    }

    fn u64_at(&self, at: PhysAddr) -> u64 {
        // SAFETY: as in `u32_at`.
        unsafe { boot_u64(at) }
    }
}
