//! Boot: from the PVH entry to the first process.

#![allow(
    unsafe_code,
    reason = "what the loader hands over is at the address that it gives"
)]

mod command_line;
mod start_info;

use abi::boot::{
    CMDLINE_CLOCK, CMDLINE_DIRTYCOW, CMDLINE_FORK, CMDLINE_INIT, CMDLINE_MUTANT, CMDLINE_SCHEDULE,
    CMDLINE_SELF_CHECK, CMDLINE_SHADOWPT_BASE, CMDLINE_TESTDEV, CMDLINE_VERBOSE, CMDLINE_VIRTIO_MMIO,
    CMDLINE_WITHHOLD,
};

use abi::event;
use virtio_drivers::transport::{DeviceType, Transport};

use crate::device::vsock::SocketDriver;
use crate::device::{block, console, testdev, virtio, vmm};
use crate::events::{self, NOBODY};
use crate::fs::{self, initrd};
use crate::mm::{self, FreshMemory, PhysAddr};
use crate::{arch, log, mutant, net, process, sched, selfcheck, syscall, withheld};
use command_line::CommandLine;
use start_info::StartInfo;

/// What runs when the command line does not say.
const DEFAULT_INIT: &[u8] = b"init";

/// Called by `boot.s` in 64-bit mode, with the physical address of `hvm_start_info`.
///
/// # Safety
///
/// The loader's data must be as the PVH boot protocol says, and nobody may have taken memory yet.
pub(crate) unsafe extern "C" fn start(start_info: u64) -> ! {
    arch::init();
    vmm::init();
    console::init();
    log::set_console(console::write);

    // SAFETY: by the caller's promise; memory is taken below, and nothing of the start info is asked for after that.
    let start_info = unsafe { StartInfo::read(PhysAddr::new(start_info)) };
    let command_line = CommandLine::new(start_info.command_line());
    if command_line.has(CMDLINE_VERBOSE) {
        log::set_verbose();
    }
    mutant::select(command_line.value(CMDLINE_MUTANT));
    withheld::select(command_line.value(CMDLINE_WITHHOLD));
    if mutant::is(mutant::Mutant::ProgramsHaveBreakpoint) {
        arch::break_at_zero();
    }

    // Ringside hands out memory that is zero, and has no old devices; elsewhere firmware ran before.
    let fresh = if events::is_listening() {
        FreshMemory::Zeroed
    } else {
        arch::timer::mask_legacy_interrupts();
        FreshMemory::Unknown
    };
    let initrd = start_info.initrd();
    initrd::init(mm::init(start_info.usable_memory(), fresh, initrd));
    events::send(event::BOOTED, NOBODY, [arch::active_root().address(), 0, 0, 0]);
    let (address, frames) = mm::frame_table_location();
    events::send(
        event::FRAME_TABLE,
        NOBODY,
        [address.as_u64(), frames as u64, 0, 0],
    );

    for device in command_line.values(CMDLINE_VIRTIO_MMIO) {
        let address = command_line::virtio_mmio_address(device).unwrap_or_else(|| {
            panic!(
                "{CMDLINE_VIRTIO_MMIO}={:?} is no device",
                core::str::from_utf8(device)
            )
        });
        start_device(address);
    }
    fs::init_devices();
    if command_line.has(CMDLINE_TESTDEV) {
        testdev::init();
    }
    if command_line.has(CMDLINE_SELF_CHECK) {
        selfcheck::run();
    }
    choose_ways(command_line);
    process::start_init(command_line.value(CMDLINE_INIT).unwrap_or(DEFAULT_INIT));
}

/// Starts what is behind the registers at an address. A device that the kernel has no driver for is an error of whoever wrote the
/// command line.
fn start_device(address: PhysAddr) {
    let transport = virtio::open(address);
    match transport.device_type() {
        DeviceType::Block => mm::swap_to(block::start(transport)).expect("memory is plenty at boot"),
        DeviceType::Socket => net::start(SocketDriver::start(transport)),
        other => panic!("there is no driver for the virtio device at {address:?}, which is {other:?}"),
    }
}

/// What the command line may choose between. Another word than these is an error of whoever wrote it.
fn choose_ways(command_line: CommandLine<'_>) {
    let choice = |key: &'static str, ways: [&str; 2]| {
        let value = command_line.value(key).unwrap_or(ways[0].as_bytes());
        let position = ways.iter().position(|way| way.as_bytes() == value);
        position.unwrap_or_else(|| {
            panic!(
                "{key}= is {:?}, expected one of {ways:?}",
                core::str::from_utf8(value)
            )
        })
    };
    if choice(CMDLINE_FORK, ["cow", "copy"]) == 1 {
        mm::copy_on_fork();
    }
    if choice(CMDLINE_DIRTYCOW, ["fixed", "vulnerable"]) == 1 {
        mm::be_vulnerable_to_dirty_cow();
    }
    if choice(CMDLINE_SCHEDULE, ["kernel", "vmm"]) == 1 {
        sched::decide_by_vmm();
    }
    if let Some(base) = command_line.value(CMDLINE_SHADOWPT_BASE) {
        let number = core::str::from_utf8(base)
            .ok()
            .and_then(|digits| digits.parse().ok());
        syscall::set_shadowpt_base(number.unwrap_or_else(|| {
            panic!(
                "{CMDLINE_SHADOWPT_BASE}= is {:?}, expected a number",
                core::str::from_utf8(base)
            )
        }));
    }
    if choice(CMDLINE_CLOCK, ["virtual", "real"]) == 1 {
        sched::run_really();
    }
}
