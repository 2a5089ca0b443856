//! A kernel of a few instructions: a PVH ELF file made of machine code, to see how the VMM takes what a guest can do.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use vmm::scenario::Clock;
use vmm::vm::{Budget, Config, Vm};

/// Physical address of the first instruction, which runs in 32-bit protected mode without paging.
pub(crate) const ENTRY: u32 = 0x0020_0000;

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
        kernel: &kernel,
        initrd: &initrd,
        agent: None,
        command_line: "",
        memory_mib: 8,
        clock,
        swap_mib: None,
        sockets: None,
        budget,
    };
    (
        Vm::new(&vmm::vm::open().expect("KVM"), &config).expect("a machine"),
        dir,
    )
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

/// An ELF file with one segment, `code` at [`ENTRY`], and the note that says so (Xen's `elfnote.h`: owner "Xen", type 18).
pub(crate) fn elf(code: &[u8]) -> Vec<u8> {
    const HEADER: u64 = 64;
    const PROGRAM_HEADER: u64 = 56;
    let note_at = HEADER + 2 * PROGRAM_HEADER;
    let mut note = Vec::new();
    for word in [4, 4, 18, u32::from_le_bytes(*b"Xen\0"), ENTRY] {
        note.extend(word.to_le_bytes());
    }
    let code_at = note_at + note.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend(2_u16.to_le_bytes()); // ET_EXEC
    file.extend(62_u16.to_le_bytes()); // EM_X86_64
    file.extend(1_u32.to_le_bytes());
    [ENTRY.into(), HEADER, 0]
        .iter()
        .for_each(|field: &u64| file.extend(field.to_le_bytes()));
    file.extend(0_u32.to_le_bytes());
    for field in [HEADER, PROGRAM_HEADER, 2, 0, 0, 0] {
        file.extend(u16::try_from(field).expect("a short header").to_le_bytes());
    }
    let mut segment = |kind: u32, flags: u32, at: u64, address: u64, len: u64| {
        file.extend(kind.to_le_bytes());
        file.extend(flags.to_le_bytes());
        [at, address, address, len, len, 1]
            .iter()
            .for_each(|field| file.extend(field.to_le_bytes()));
    };
    segment(1, 7, code_at, ENTRY.into(), code.len() as u64); // PT_LOAD
    segment(4, 4, note_at, 0, note.len() as u64); // PT_NOTE
    file.extend(note);
    file.extend(code);
    file
}
