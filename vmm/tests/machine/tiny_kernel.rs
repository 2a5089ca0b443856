//! A kernel of a few instructions: a PVH ELF file made of machine code, to see how the VMM takes what a guest can do.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use vmm::guest::ProgramText;
use vmm::machine::Machine;
use vmm::scenario::Clock;
use vmm::vm::{Budget, Config, KernelImage, Vm};

use crate::tiny_elf::elf;

/// A machine whose kernel is `code`, and the directory that holds its files. Its clock is virtual.
pub(crate) fn machine(code: &[u8], budget: Budget) -> (Vm, TempDir) {
    machine_with(code, budget, Clock::Virtual)
}

/// The same with a clock of either kind.
pub(crate) fn machine_with(code: &[u8], budget: Budget, clock: Clock) -> (Vm, TempDir) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = dir.path().join(name);
        fs::write(&path, bytes).expect("the temporary directory is ours");
        path
    };
    let (kernel, initrd) = (file("kernel", &elf(code)), file("initrd", b""));
    let config = Config {
        clock,
        ..config(&kernel, &initrd, Machine::Bare, budget)
    };
    (
        Vm::new(&vmm::vm::open().expect("KVM"), &config).expect("a machine"),
        dir,
    )
}

/// There is no program in it.
static NO_PROGRAMS: &BTreeMap<String, ProgramText> = &BTreeMap::new();

/// What a machine of this kind is made of.
pub(crate) fn config<'a>(kernel: &'a Path, initrd: &'a Path, machine: Machine, budget: Budget) -> Config<'a> {
    Config {
        kernel,
        initrd,
        machine,
        kernel_image: KernelImage::Stays,
        agent: None,
        programs: NO_PROGRAMS,
        command_line: "",
        memory_mib: 8,
        clock: machine.clock(Clock::Virtual),
        swap_mib: None,
        sockets: None,
        budget,
    }
}

/// A budget that a kernel of a few instructions does not use up.
pub(crate) fn ample() -> Budget {
    Budget {
        exits: 10_000,
        processor_time: Duration::from_secs(600),
        host_time: Duration::from_secs(3600),
        answer_time: Duration::ZERO,
    }
}
