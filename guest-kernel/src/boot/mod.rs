//! Boot: from the PVH entry to the first process.

mod command_line;
mod start_info;

use abi::boot::{CMDLINE_INIT, CMDLINE_MUTANT, CMDLINE_SELF_CHECK, CMDLINE_VERBOSE, CMDLINE_VIRTIO_MMIO};

use crate::device::block::Disk;
use crate::device::console;
use crate::device::events::{self, Event};
use crate::fs::initrd;
use crate::mm::{self, FreshMemory, PhysAddr};
use crate::{arch, log, mutant, process, selfcheck};
use command_line::CommandLine;
use start_info::StartInfo;

/// What runs when the command line does not say.
const DEFAULT_INIT: &[u8] = b"init";

/// Called by `boot.s` in 64-bit mode, with the physical address of `hvm_start_info`.
pub(crate) extern "C" fn start(start_info: u64) -> ! {
    arch::init();
    events::probe();
    console::init();

    let start_info = StartInfo::read(PhysAddr::new(start_info));
    let command_line = CommandLine::new(start_info.command_line());
    if command_line.has(CMDLINE_VERBOSE) {
        log::set_verbose();
    }
    mutant::select(command_line.value(CMDLINE_MUTANT));

    // Ringside hands out memory that is zero; elsewhere firmware ran before.
    let fresh = if events::is_listening() {
        FreshMemory::Zeroed
    } else {
        FreshMemory::Unknown
    };
    let initrd = start_info.initrd();
    mm::init(start_info.usable_memory(), fresh, initrd.clone());
    initrd::init(PhysAddr::new(initrd.start), (initrd.end - initrd.start) as usize);
    events::send(Event::Booted {
        root: arch::active_root(),
    });
    let (address, frames) = mm::frame_table_location();
    events::send(Event::FrameTable { address, frames });

    if let Some(device) = command_line.value(CMDLINE_VIRTIO_MMIO) {
        let address = command_line::virtio_mmio_address(device).unwrap_or_else(|| {
            panic!("{CMDLINE_VIRTIO_MMIO}={:?} is no device", core::str::from_utf8(device))
        });
        mm::swap_to(Disk::start(address)).expect("memory is plenty at boot");
    }
    if command_line.has(CMDLINE_SELF_CHECK) {
        selfcheck::run();
    }
    process::start_init(command_line.value(CMDLINE_INIT).unwrap_or(DEFAULT_INIT));
}
