//! What the loader hands over: `hvm_start_info` of the PVH boot protocol (Xen's `arch-x86/hvm/start_info.h`).

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
    pub(super) fn read(at: PhysAddr) -> Self {
        let magic = boot_u32(at);
        assert!(
            magic == MAGIC,
            "start info has magic {magic:#x}, expected {MAGIC:#x}"
        );
        let version = boot_u32(at.plus(VERSION));
        assert!(
            version >= 1,
            "start info has version {version}, expected at least 1"
        );
        Self { at }
    }

    /// Without its NUL; empty if there is none.
    pub(super) fn command_line(&self) -> &'static [u8] {
        match boot_u64(self.at.plus(COMMAND_LINE)) {
            0 => &[],
            address => {
                let bytes = boot_bytes(PhysAddr::new(address), MAX_COMMAND_LINE_BYTES);
                core::ffi::CStr::from_bytes_until_nul(bytes).map_or(bytes, core::ffi::CStr::to_bytes)
            }
        }
    }

    /// Physical addresses of the first module; empty if there is none.
    pub(super) fn initrd(&self) -> Range<u64> {
        if boot_u32(self.at.plus(MODULE_COUNT)) == 0 {
            return 0..0;
        }
        let module = PhysAddr::new(boot_u64(self.at.plus(MODULE_LIST)));
        let start = boot_u64(module);
        start..start + boot_u64(module.plus(8))
    }

    /// All RAM that the kernel can map, without its image, the initrd and what the loader left for the kernel.
    pub(super) fn usable_memory(&self) -> UsableMemory {
        let map = boot_u64(self.at.plus(MEMORY_MAP));
        let entries = u64::from(boot_u32(self.at.plus(MEMORY_MAP_ENTRIES)));
        let mut usable = UsableMemory::default();
        for entry in (0..entries).map(|index| PhysAddr::new(map + index * MAP_ENTRY_BYTES)) {
            if boot_u32(entry.plus(16)) == TYPE_RAM {
                let start = boot_u64(entry);
                usable.add_ram(start, start + boot_u64(entry.plus(8)), MAX_MEMORY_MIB << 20);
            }
        }
        let modules = boot_u64(self.at.plus(MODULE_LIST));
        let module_count = u64::from(boot_u32(self.at.plus(MODULE_COUNT)));
        let command_line = boot_u64(self.at.plus(COMMAND_LINE));
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
}
