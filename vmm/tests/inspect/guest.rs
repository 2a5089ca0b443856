//! A guest that never runs: memory, and page tables built in it.
//!
//! Builds with the manual's numbers and none of the walker's code, so that the two can disagree.

use abi::PAGE_SIZE;
use abi::paging::{ADDRESS_MASK, LARGE, PRESENT, USER, WRITABLE};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};
use vmm::address::{FrameNumber, PhysAddr, VirtAddr};
use vmm::inspect::audit::KernelHalf;
use vmm::inspect::cross_check::samples;
use vmm::inspect::owners::{Owners, Space, SpaceId};
use vmm::inspect::walk::{PageSize, Root};
use vmm::inspect::{Effort, PhysicalMemory};

/// Addresses of both halves that another walker can be asked about.
pub(crate) fn samples_of(
    memory: PhysicalMemory<'_>,
    root: Root,
    limit: usize,
    effort: &Effort,
) -> Vec<VirtAddr> {
    let half = KernelHalf::scan(memory, root, effort);
    samples(memory, root, half.landmarks(), limit, effort)
}

pub(crate) struct StillGuest {
    memory: GuestMemoryMmap,
    /// Tables are taken from the end of memory; tests map frames at its start.
    lowest_table: FrameNumber,
}

impl StillGuest {
    pub(crate) fn new(frames: usize) -> Self {
        let len_bytes = frames * PAGE_SIZE as usize;
        let memory =
            GuestMemoryMmap::from_ranges(&[(GuestAddress(0), len_bytes)]).expect("the host has memory");
        Self {
            memory,
            lowest_table: FrameNumber(frames as u64),
        }
    }

    pub(crate) fn memory(&self) -> PhysicalMemory<'_> {
        PhysicalMemory::new(&self.memory)
    }

    pub(crate) fn new_root(&mut self) -> Root {
        Root::from_cr3(self.new_table().0)
    }

    /// Maps a page with the given bits in its entry; the entries above allow everything.
    pub(crate) fn map(&mut self, root: Root, page: u64, target: u64, size: PageSize, bits: u64) {
        let (levels_above, large) = match size {
            PageSize::Kib4 => (3, 0),
            PageSize::Mib2 => (2, LARGE),
            PageSize::Gib1 => (1, LARGE),
        };
        let mut table = root.table().start();
        for level in 0..levels_above {
            let at = entry_at(table, page, level);
            if self.read(at) & PRESENT == 0 {
                let next = self.new_table();
                self.write(at, next.0 | PRESENT | WRITABLE | USER);
            }
            table = PhysAddr(self.read(at) & ADDRESS_MASK);
        }
        self.write(
            entry_at(table, page, levels_above),
            target | bits | large | PRESENT,
        );
    }

    pub(crate) fn map_4k(&mut self, root: Root, page: u64, target: u64, bits: u64) {
        self.map(root, page, target, PageSize::Kib4, bits);
    }

    /// Physical address of the entry that governs `address`, 0 levels below the top and so on.
    pub(crate) fn entry(&self, root: Root, address: u64, levels_below_top: u32) -> PhysAddr {
        let mut table = root.table().start();
        for level in 0..levels_below_top {
            table = PhysAddr(self.read(entry_at(table, address, level)) & ADDRESS_MASK);
        }
        entry_at(table, address, levels_below_top)
    }

    pub(crate) fn read(&self, at: PhysAddr) -> u64 {
        self.memory
            .read_obj(GuestAddress(at.0))
            .expect("tests read inside memory")
    }

    pub(crate) fn write(&self, at: PhysAddr, value: u64) {
        self.memory
            .write_obj(value, GuestAddress(at.0))
            .expect("tests write inside memory");
    }

    /// Owners of address spaces that are processes 1, 2 and so on.
    pub(crate) fn owners(&self, roots: &[Root]) -> Owners {
        let spaces: Vec<_> = roots
            .iter()
            .zip(1..)
            .map(|(&root, id)| Space {
                id: SpaceId(id),
                root,
            })
            .collect();
        Owners::of_spaces(self.memory(), &spaces, &Effort::default())
    }

    fn new_table(&mut self) -> PhysAddr {
        self.lowest_table = FrameNumber(self.lowest_table.0 - 1);
        self.lowest_table.start()
    }
}

pub(crate) fn virt(address: u64) -> VirtAddr {
    VirtAddr(address)
}

fn entry_at(table: PhysAddr, address: u64, levels_below_top: u32) -> PhysAddr {
    let shift = 39 - 9 * levels_below_top;
    PhysAddr(table.0 + ((address >> shift) & 0x1ff) * 8)
}
