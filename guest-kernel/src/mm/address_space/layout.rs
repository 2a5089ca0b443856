//! Fixed addresses and distances, as on Linux without randomisation.

use abi::PAGE_SIZE;
use abi::paging::USER_END;

use super::super::address::VirtAddr;

/// First address that no process can use: the last page of the lower half stays empty.
pub(crate) const TASK_END: VirtAddr = VirtAddr::new(USER_END - PAGE_SIZE);
/// Lowest address that can be mapped (`vm.mmap_min_addr`).
pub(crate) const LOWEST: VirtAddr = VirtAddr::new(0x1_0000);
/// The stack ends here.
pub(crate) const STACK_TOP: VirtAddr = TASK_END;
/// Most that a stack may grow to (`RLIMIT_STACK`).
pub(crate) const STACK_LIMIT_BYTES: u64 = 8 << 20;
/// What a stack has at the start beyond its contents, so that a first large frame is no growth.
pub(crate) const STACK_START_BYTES: u64 = 128 << 10;
/// Distance that a stack keeps from what is mapped below it.
pub(crate) const STACK_GUARD_BYTES: u64 = 256 * PAGE_SIZE;
/// Mappings without an address of their own are placed below this, top down.
pub(crate) const MMAP_TOP: VirtAddr = TASK_END.minus(128 << 20);
/// Where `MAP_32BIT` puts mappings.
pub(crate) const LOW_START: VirtAddr = VirtAddr::new(0x4000_0000);
/// First address behind it.
pub(crate) const LOW_END: VirtAddr = VirtAddr::new(0x8000_0000);
/// Most that a process may lock which is not the superuser's (`RLIMIT_MEMLOCK`).
pub(crate) const LOCK_LIMIT_BYTES: u64 = 8 << 20;
/// Most areas in an address space (`vm.max_map_count`).
pub(crate) const MAX_AREAS: usize = 65530;
