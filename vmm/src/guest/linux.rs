//! A Linux of a distribution, unchanged. It reports nothing by itself: how processes end is what a parent's wait is told, and the faults
//! that end them stand in its log.

use std::path::{Path, PathBuf};

use abi::boot::CMDLINE_SHADOWPT_BASE;

use super::Description;
use super::description::PowerOff;
use crate::debian::{self, NoKernel};
use crate::drive::Ends;
use crate::image::{self, ImageError, Progress};
use crate::kernel_file::{self, Modules};
use crate::machine::Machine;
use crate::offer::{Offer, Offers};
use crate::promise::{Promise, Promises};
use crate::vm::KernelImage;

/// Words of the command line, each for a reason.
const OPTIONS: &[&str] = &[
    // The log goes to the first serial port, and of what is logged while booting only what is wrong.
    "console=ttyS0",
    "loglevel=4",
    // There are two serial ports, and no keyboard behind its controller: looking for one takes more than a second.
    "8250.nr_uarts=2",
    "initcall_blacklist=i8042_init",
    // A panic and the end of the machine are a reset by the keyboard controller.
    "panic=-1",
    "reboot=k",
    // There is no bus to ask.
    "pci=off",
    // Files of the archive are files to userfaultfd, and not shared memory, which those of a tmpfs are.
    "rootfstype=ramfs",
    // The judge's walker knows page tables of four levels.
    "no5lvl",
    // Runs are the same: the kernel lies where its file says, programs have the same addresses each time, and nothing waits for entropy.
    "nokaslr",
    "norandmaps",
    "random.trust_cpu=on",
];

/// The first of the calls of the shadow page table, as a kernel has it in its table of calls.
const SHADOWPT_OPEN: &str = "shadowpt_open";

/// A driver: what its module is called, and a function that a kernel has which has it in itself.
struct Driver {
    module: &'static str,
    function: &'static str,
}

const VIRTIO_MMIO: Driver = Driver {
    module: "virtio_mmio",
    function: "virtio_mmio_probe",
};
/// What needs drivers.
const DRIVEN: [(Offer, [Driver; 2]); 2] = [
    (
        Offer::Swap,
        [
            VIRTIO_MMIO,
            Driver {
                module: "virtio_blk",
                function: "virtblk_probe",
            },
        ],
    ),
    (
        Offer::Sockets,
        [
            VIRTIO_MMIO,
            Driver {
                module: "vmw_vsock_virtio_transport",
                function: "virtio_vsock_probe",
            },
        ],
    ),
];

/// What a kernel offers because it has the drivers, and which of its modules they are in.
fn drivers(kernel: &Path, modules: Option<&Path>) -> Vec<(Offer, Vec<String>)> {
    let modules = modules.map(Modules::in_folder);
    let by = |drivers: &[Driver; 2]| {
        if kernel_file::has_functions(kernel, &drivers.each_ref().map(|driver| driver.function)) {
            return Some(Vec::new());
        }
        let modules = modules.as_ref()?;
        let has_all = drivers.iter().all(|driver| modules.has(driver.module));
        has_all.then(|| drivers.iter().map(|driver| driver.module.to_owned()).collect())
    };
    let driven = DRIVEN.iter();
    driven
        .filter_map(|(offer, drivers)| Some((*offer, by(drivers)?)))
        .collect()
}

/// There is no Linux to run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoLinux {
    /// Neither here nor from Debian.
    #[error("there is no kernel in /boot that may be read; name one with --kernel")]
    NoKernel {
        /// Why not from Debian.
        #[from]
        source: NoKernel,
    },
    /// There is no place for one.
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// The newest kernel of this machine's own, or else Debian's for virtual machines.
///
/// # Errors
/// There is none here, and apt cannot fetch one.
pub fn kernel(progress: &dyn Progress) -> Result<PathBuf, NoLinux> {
    if let Some(kernel) = kernel_file::installed() {
        return Ok(kernel);
    }
    Ok(debian::kernel(&image::cache()?, progress)?.file)
}

/// What is known of it, with this kernel. Whether it has the calls of the shadow page table, and from which number on, its own file says.
#[must_use]
pub fn description(kernel: PathBuf) -> Description {
    let modules = kernel_file::modules_of(&kernel);
    let drivers = drivers(&kernel, modules.as_deref());
    let shadowpt = kernel_file::number_of_system_call(&kernel, SHADOWPT_OPEN);
    let with_drivers = drivers.iter().map(|(offer, _)| *offer);
    let shadow = shadowpt.map(|_| Offer::ShadowPageTable);
    let offers: Vec<Offer> = shadow.into_iter().chain(with_drivers).collect();
    let base = shadowpt.map(|number| format!("{CMDLINE_SHADOWPT_BASE}={number}"));
    Description {
        name: "linux".to_owned(),
        promises: Promises::of(&[Promise::Ends, Promise::Faults]),
        offers: Offers::of(&offers),
        machine: Machine::Pc,
        memory_mib: 128,
        // Of a scenario's budget, which is for a kernel that boots in milliseconds.
        effort: 60,
        init: "rdinit=/linux-init".to_owned(),
        kernel_image: KernelImage::Freed,
        ends: Ends::Waited,
        // The machine's tables know no state without power.
        power_off: PowerOff::Restart,
        struct_pages: true,
        page_layout: None,
        kernel: Some(kernel),
        initrd: None,
        modules,
        drivers: drivers.into_iter().flat_map(|(_, names)| names).collect(),
        ways_in: vec!["error_entry".to_owned()],
        options: OPTIONS
            .iter()
            .map(|word| (*word).to_owned())
            .chain(base)
            .collect(),
    }
}
