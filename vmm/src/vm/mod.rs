//! The virtual machine: guest memory, one vCPU, and the few devices that the guest talks to.
//!
//! [`Vm::run`] is the only way forward, and it borrows the machine: what comes back is a [`Stop`], through which
//! everything is inspected. While a `Stop` is alive the vCPU cannot run, so nobody can inspect a running guest.
//!
//! Data flows through the modules in this order: [`open`] the host's KVM, [`load`] kernel, programs and boot
//! information, choose where [`interrupts`] come from, set the [`registers`], run the [`vcpu`] under the [`watchdog`] with its
//! [`budget`]s kept account of, and tell how a guest ended ([`death`]).

mod acpi;
mod branch;
mod budget;
mod caller;
mod calls;
mod death;
mod debugger;
mod dirty_log;
mod followed;
mod inlined;
mod interrupts;
mod kernel_halves;
mod linux64;
mod load;
mod memory_map;
mod open;
mod pc;
mod printer;
mod probe;
mod process_roots;
mod processor;
mod registers;
mod stop;
mod symbols;
mod vcpu;
mod watchdog;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use abi::PAGE_SIZE;
use kvm_bindings::{KVM_MEM_LOG_DIRTY_PAGES, kvm_userspace_memory_region};
use kvm_ioctls::{Kvm, VcpuFd, VmFd};
use serde::{Deserialize, Serialize};
use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion};

pub(crate) use branch::Branch;
pub use budget::Budget;
pub use caller::Imposture;
pub use death::{Cause, Death, Place};
pub(crate) use debugger::{BREAKPOINTS, Breakpoints, Debugger, Halt, Registers, Resume};
pub use dirty_log::DirtyCursor;
pub(crate) use followed::{Followed, Store};
pub use load::LoadError;
pub(crate) use open::another;
pub use open::{OpenError, open};
pub use printer::Misprint;
pub use probe::{KernelMode, kernel_mode};
pub(crate) use process_roots::ProcessRoots;
pub(crate) use processor::{is_paging, is_user};
pub use stop::Stop;
pub use symbols::Symbols;
pub use vcpu::{Boot, StopReason};

use crate::block::{BlockDevice, Disk};
use crate::channel::Devices;
use crate::guest::{ProgramText, TextError};
use crate::machine::Machine;
use crate::printable::Printable;
use crate::scenario::{Clock, ServerPlace, VsockPort};
use crate::vsock::{Hosts, HostsError, SocketDevice};
use caller::Callers;
use dirty_log::DirtyLog;
use kernel_halves::KernelHalves;
use load::Loaded;
use printer::Printers;
use vcpu::Vcpu;

/// The one slot of guest memory.
const MEMORY_SLOT: u32 = 0;

/// What a machine is made of.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    /// ELF file of the kernel.
    pub kernel: &'a Path,
    /// The machine that it needs.
    pub machine: Machine,
    /// What becomes of its image.
    pub kernel_image: KernelImage,
    /// Archive of user programs.
    pub initrd: &'a Path,
    /// Code of the program that may ask for operations; None when there is none.
    pub agent: Option<&'a ProgramText>,
    /// Code of the programs whose output is awaited, by name.
    pub programs: &'a BTreeMap<String, ProgramText>,
    /// Kernel command line.
    pub command_line: &'a str,
    /// Guest memory in MiB.
    pub memory_mib: u64,
    /// How time passes.
    pub clock: Clock,
    /// Size in MiB of the disk that the guest swaps to, if it has one.
    pub swap_mib: Option<u64>,
    /// Where the guest's sockets lead; None when it has none.
    pub sockets: Option<&'a BTreeMap<VsockPort, ServerPlace>>,
    /// What the guest may use before it is stopped.
    pub budget: Budget,
}

/// What becomes of the frames into which a kernel was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KernelImage {
    /// They are the kernel's as long as it runs.
    #[default]
    Stays,
    /// The kernel gives those away that it does not need any more, such as code that it runs once.
    Freed,
}

/// The host refused something. None of these is the guest's doing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VmError {
    /// KVM answered an ioctl with an error.
    #[error("KVM refused to {action}")]
    Kvm {
        /// What was asked of KVM.
        action: &'static str,
        /// Its answer.
        source: kvm_ioctls::Error,
    },
    /// No memory for the guest.
    #[error("cannot map {memory_mib} MiB of guest memory")]
    Memory {
        /// Asked for, in MiB.
        memory_mib: u64,
        /// Why not.
        source: vm_memory::mmap::FromRangesError,
    },
    /// The guest image cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The code of programs cannot be read.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A server that the scenario wants for its guest could not be started.
    #[error(transparent)]
    Hosts(#[from] HostsError),
    /// The memory of a machine that is made to find something out cannot be written.
    #[error("cannot try out KVM: {0}")]
    Probe(vm_memory::GuestMemoryError),
    /// A process that was to go on with a machine did not.
    #[error("a process that was to go on with the guest does not: {0}")]
    Branch(String),
    /// A process that went on with a machine was killed.
    #[error("the process that went on with the guest was killed by signal {signal}")]
    BranchKilled {
        /// The signal.
        signal: i32,
    },
    /// The kernel cannot be followed.
    #[error(
        "the kernel cannot be followed: its file has no function `{name}`, where it would begin to run; a `vmlinux` has its symbols, a bzImage has not"
    )]
    NoFunction {
        /// The function.
        name: Printable,
    },
    /// What was to be kept of the guest's memory cannot be.
    #[error("cannot keep what memory is like after each step: {0}")]
    Snapshots(std::io::Error),
    /// The watchdog could not be started; no guest runs without one.
    #[error("cannot start the watchdog: {0}")]
    Watchdog(std::io::Error),
}

/// Turns KVM's error into ours, naming what was asked.
fn refused(action: &'static str) -> impl FnOnce(kvm_ioctls::Error) -> VmError {
    move |source| VmError::Kvm { action, source }
}

/// A virtual machine that has been made and not yet ended.
pub struct Vm {
    clock: Clock,
    kernel_image: KernelImage,
    vcpu: Vcpu,
    vm_fd: Arc<VmFd>,
    /// Their interrupt lines hold the machine in KVM, too.
    devices: Devices,
    memory: GuestMemoryMmap,
    loaded: Loaded,
    symbols: Symbols,
    dirty_log: DirtyLog,
    kernel_halves: KernelHalves,
}

impl Vm {
    /// Makes a machine and loads the guest into it. Nothing has run yet.
    ///
    /// # Errors
    /// The image cannot be read or is no PVH kernel, or the host refuses.
    pub fn new(kvm: &Kvm, config: &Config<'_>) -> Result<Vm, VmError> {
        let memory = guest_memory(config.memory_mib)?;
        let (loaded, kernel) = load::load(&memory, config)?;
        let symbols = Symbols::of(kernel);
        let frames = memory_len_bytes(&memory) / PAGE_SIZE;
        let block = config
            .swap_mib
            .map(|mib| BlockDevice::new(Disk::new(mib), frames));
        let hosts = config.sockets.map(Hosts::start).transpose()?;
        let patience = match config.clock {
            Clock::Virtual => config.budget.answer_time,
            Clock::Real => Duration::ZERO,
        };
        let vsock = hosts.map(|hosts| SocketDevice::new(hosts, frames, patience));
        let mut devices = Devices {
            machine: config.machine,
            block,
            vsock,
            ..Devices::default()
        };
        let (vm_fd, vcpu_fd) = create(kvm, config.clock, &memory, &mut devices)?;
        registers::set(&vcpu_fd, &loaded.start)?;
        Ok(Vm {
            clock: config.clock,
            kernel_image: config.kernel_image,
            vcpu: Vcpu::new(
                vcpu_fd,
                config.budget,
                config.clock,
                (
                    Callers::new(config.agent.cloned()),
                    Printers::new(config.programs.clone()),
                ),
            )?,
            vm_fd,
            memory,
            loaded,
            symbols,
            devices,
            dirty_log: DirtyLog::new(frames),
            kernel_halves: KernelHalves::default(),
        })
    }

    /// Lets the guest run until an agent asks for its next operation, or until the guest has ended.
    ///
    /// # Errors
    /// The host failed; whatever the guest does is a [`StopReason`], not an error.
    pub fn run(&mut self) -> Result<Stop<'_>, VmError> {
        self.kernel_halves.guest_runs();
        let reason = self.vcpu.run(&mut self.devices, &self.memory, &self.symbols)?;
        Ok(Stop { vm: self, reason })
    }

    /// The machine's devices, to set them up.
    pub fn devices(&mut self) -> &mut Devices {
        &mut self.devices
    }

    /// From now on what the guest prints is `program`'s, or comes from one of those that it starts.
    pub fn await_output(&mut self, program: &str, starts: &[String]) {
        self.vcpu.printers_mut().await_output(program, starts);
    }

    /// From now on these are the programs whose output may be awaited.
    pub(crate) fn set_programs(&mut self, programs: BTreeMap<String, ProgramText>) {
        self.vcpu.printers_mut().set_texts(programs);
    }

    /// From now on what the guest prints is nobody's.
    pub fn await_no_output(&mut self) {
        self.vcpu.printers_mut().await_nobody();
    }

    /// Exits of the guest to the VMM so far.
    #[must_use]
    pub fn exits(&self) -> u64 {
        self.vcpu.exits()
    }

    /// How time passes for the guest.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Raises a tick of the virtual clock. The guest takes it when it runs on: at the next instruction of the agent that
    /// rings, or as soon as it does not mask interrupts any more. A tick that it has not taken yet is the same tick.
    pub fn tick(&mut self) {
        if self.clock == Clock::Virtual {
            self.vcpu.raise_tick();
        }
    }

    /// Whether the guest has not taken the last tick yet.
    #[must_use]
    pub fn tick_is_pending(&self) -> bool {
        self.vcpu.tick_is_pending()
    }

    /// The stop that the machine is in; None before it has run.
    pub fn stop(&mut self) -> Option<Stop<'_>> {
        let reason = self.vcpu.stop_reason()?;
        Some(Stop { vm: self, reason })
    }
}

/// What KVM has of a machine: memory, where interrupts come from, and a vCPU with the features of the host's processor.
fn create(
    kvm: &Kvm,
    clock: Clock,
    memory: &GuestMemoryMmap,
    devices: &mut Devices,
) -> Result<(Arc<VmFd>, VcpuFd), VmError> {
    let vm_fd = Arc::new(kvm.create_vm().map_err(refused("create a virtual machine"))?);
    register_memory(&vm_fd, memory)?;
    let machine = devices.machine;
    interrupts::build(&vm_fd, machine, clock, devices)?;
    let vcpu_fd = vm_fd.create_vcpu(0).map_err(refused("create a vCPU"))?;
    interrupts::set_features(kvm, &vcpu_fd, machine, clock)?;
    Ok((vm_fd, vcpu_fd))
}

/// Bytes of guest memory; it is one region that starts at 0.
fn memory_len_bytes(memory: &GuestMemoryMmap) -> u64 {
    memory.iter().map(GuestMemoryRegion::len).sum()
}

fn guest_memory(memory_mib: u64) -> Result<GuestMemoryMmap, VmError> {
    let len_bytes = usize::try_from(memory_mib << 20).expect("a 64-bit host");
    GuestMemoryMmap::from_ranges(&[(GuestAddress(0), len_bytes)])
        .map_err(|source| VmError::Memory { memory_mib, source })
}

#[allow(unsafe_code, reason = "KVM is handed the address of guest memory")]
fn register_memory(vm_fd: &VmFd, memory: &GuestMemoryMmap) -> Result<(), VmError> {
    let host_address = memory
        .get_host_address(GuestAddress(0))
        .expect("guest memory starts at 0");
    let region = kvm_userspace_memory_region {
        slot: MEMORY_SLOT,
        flags: KVM_MEM_LOG_DIRTY_PAGES,
        guest_phys_addr: 0,
        memory_size: memory_len_bytes(memory),
        userspace_addr: host_address as u64,
    };
    // SAFETY: the range is the mapping that `memory` owns, from its first byte to its last, and `Vm` drops `vm_fd`
    // and all that holds it before `memory`, fields being dropped in order of declaration.
    unsafe { vm_fd.set_user_memory_region(region) }.map_err(refused("use the guest's memory"))
}
