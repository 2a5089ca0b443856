//! What a PC has that the bare machine has not.

use std::fs;

use vm_memory::{Bytes, GuestAddress};
use vmm::machine::Machine;
use vmm::printable::Printable;
use vmm::vm::{Cause, LoadError, StopReason, Vm, VmError};

use crate::tiny_elf::{ENTRY, elf};
use crate::tiny_kernel::{ample, config};

/// Where a kernel puts what it has found.
const FOUND_AT: u32 = ENTRY + 0x1000;
/// Offset of the number of program headers in an ELF file.
const PROGRAM_HEADERS: usize = 56;

fn run(file: &[u8], machine: Machine) -> Result<Vm, VmError> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (kernel, initrd) = (folder.path().join("kernel"), folder.path().join("initrd"));
    fs::write(&kernel, file).expect("the temporary directory is ours");
    fs::write(&initrd, b"").expect("the temporary directory is ours");
    let config = config(&kernel, &initrd, machine, ample());
    let mut vm = Vm::new(&vmm::vm::open().expect("KVM"), &config)?;
    vm.run()?;
    Ok(vm)
}

/// `out 0x64, 0xfe`
fn reset() -> Vec<u8> {
    vec![0xb0, 0xfe, 0xe6, 0x64, 0xf4]
}

/// Stores a word of the boot parameters, and one that says whether registers have 64 bits; then resets.
fn look_around() -> Vec<u8> {
    let mut code = vec![0x8b, 0x86, 0x02, 0x02, 0, 0]; // mov eax, [rsi + 0x202]
    code.extend([0x89, 0x04, 0x25]); // mov [FOUND_AT], eax
    code.extend(FOUND_AT.to_le_bytes());
    code.extend([0x48, 0xc7, 0xc0, 0xff, 0xff, 0xff, 0xff]); // mov rax, -1
    code.extend([0x48, 0xc1, 0xe8, 0x20]); // shr rax, 32
    code.extend([0x89, 0x04, 0x25]); // mov [FOUND_AT + 4], eax
    code.extend((FOUND_AT + 4).to_le_bytes());
    code.extend(reset());
    code
}

/// Prints on the first serial port, and stops.
fn print(text: &str) -> Vec<u8> {
    let mut code = vec![0xba]; // mov edx, port
    code.extend(u32::from(abi::boot::SERIAL_PORT).to_le_bytes());
    for byte in text.bytes() {
        code.extend([0xb0, byte, 0xee]); // mov al, byte; out dx, al
    }
    code.push(0xf4);
    code
}

fn without_note(mut file: Vec<u8>) -> Vec<u8> {
    file[PROGRAM_HEADERS] = 1;
    file
}

#[test]
fn a_kernel_without_a_pvh_note_begins_in_64_bit_mode_with_boot_parameters() {
    let mut vm = run(&without_note(elf(&look_around())), Machine::Pc).unwrap();
    let stop = vm.stop().unwrap();
    assert_eq!(*stop.reason(), StopReason::PoweredOff);
    let found: [u32; 2] = stop.memory().read_obj(GuestAddress(FOUND_AT.into())).unwrap();
    assert_eq!(found, [u32::from_le_bytes(*b"HdrS"), u32::MAX]);
}

#[test]
fn the_bare_machine_wants_the_note() {
    let refused = run(&without_note(elf(&look_around())), Machine::Bare);
    assert!(matches!(
        refused,
        Err(VmError::Load(LoadError::NoPvhEntry { .. }))
    ));
}

#[test]
fn the_keyboard_controller_resets_a_pc_and_is_not_there_on_the_bare_machine() {
    let mut vm = run(&elf(&reset()), Machine::Pc).unwrap();
    assert_eq!(*vm.stop().unwrap().reason(), StopReason::PoweredOff);
    let mut vm = run(&elf(&reset()), Machine::Bare).unwrap();
    assert!(matches!(vm.stop().unwrap().reason(), StopReason::Died(death) if death.cause == Cause::Halted));
}

#[test]
fn a_panic_in_the_log_ends_a_pc_and_the_last_lines_are_kept() {
    let text = "it boots\nKernel panic - not syncing: no init\n";
    let mut vm = run(&elf(&print(text)), Machine::Pc).unwrap();
    let mut stop = vm.stop().unwrap();
    let StopReason::Died(death) = stop.reason().clone() else {
        panic!("{:?}", stop.reason())
    };
    assert!(matches!(death.cause, Cause::Panic { message } if message.as_str() == "no init"));
    let lines = stop.devices().log.last_lines();
    let lines: Vec<&str> = lines.iter().map(Printable::as_str).collect();
    assert_eq!(lines, ["it boots", "Kernel panic - not syncing: no init"]);
}
