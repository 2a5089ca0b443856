//! Guests that have the VMM keep, write or look at something without end. The command runs in bounded memory here: see
//! [`crate::command`].

use crate::command::{image, vmm};
use crate::tiny_elf::{ENTRY, elf};

/// Offset in the kernel of the record that it reports, and of its page tables.
const RECORD: usize = 0x800;
const TABLES: usize = 0x1000;

/// A kernel that reports this record over and over again. The address that is its first argument moves on by a page each time. Every
/// user address leads through the same three page tables to memory.
fn reporting(first: (u32, [u64; 4]), then: (u32, [u64; 4])) -> Vec<u8> {
    let record = |(kind, arguments): (u32, [u64; 4])| {
        let mut bytes = [kind.to_le_bytes(), 2_u32.to_le_bytes()].concat();
        bytes.extend(arguments.iter().flat_map(|argument| argument.to_le_bytes()));
        bytes
    };
    let at = |offset: usize| (ENTRY + offset as u32).to_le_bytes();
    // mov eax, tables; mov cr3, eax
    let mut code = [&[0xb8][..], &at(TABLES), &[0x0f, 0x22, 0xd8]].concat();
    // mov edx, port; mov eax, record; out dx, eax
    code.extend(
        [
            &[0xba][..],
            &u32::from(abi::event::PORT).to_le_bytes(),
            &[0xb8],
            &at(RECORD),
            &[0xef],
        ]
        .concat(),
    );
    // mov eax, second record; again: out dx, eax; add dword [second record + 8], 0x1000; jmp again
    let second = RECORD + abi::event::RECORD_BYTES;
    code.extend(
        [
            &[0xb8][..],
            &at(second),
            &[0xef, 0x81, 0x05],
            &at(second + 8),
            &0x1000_u32.to_le_bytes(),
            &[0xeb, 0xf3],
        ]
        .concat(),
    );
    code.resize(RECORD, 0);
    code.extend(record(first));
    code.extend(record(then));
    code.resize(TABLES, 0);
    for level in 0..4_u64 {
        let next = u64::from(ENTRY) + TABLES as u64 + (level + 1) * 0x1000;
        for index in 0..512_u64 {
            let entry = match level {
                0 if index >= 256 => 0,
                3 => index << 12 | 0x27,
                _ => next | 0x27,
            };
            code.extend(entry.to_le_bytes());
        }
    }
    code
}

/// Runs the kernel until it has used up its exits. What it does is told, in so many bytes at most.
#[track_caller]
fn assert_ends(kernel: &[u8], most_bytes: usize) -> String {
    let image = image(&elf(kernel));
    let scenario = image.path().join("flood.json");
    let text = r#"{ "name": "flood", "description": "A guest that reports.", "budget": { "exits": 30000, "seconds": 60 },
        "steps": [ { "in": "a", "do": "mmap", "as": "b", "pages": 1, "prot": "rw" } ] }"#;
    std::fs::write(&scenario, text).unwrap();
    let image = image.path().to_str().unwrap();
    let run = vmm(&[
        "run",
        "--log",
        "--states",
        "--image",
        image,
        scenario.to_str().unwrap(),
    ]);
    assert_eq!(run.status, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("30000 exits"), "{}", run.stdout);
    assert!(run.stdout.len() <= most_bytes, "{} bytes", run.stdout.len());
    run.stdout
}

#[test]
fn faults_that_programs_serve_in_all_of_memory_fill_no_memory() {
    let range = [0, 0x7fff_ffff_f000, 1, 0];
    let faults = reporting(
        (abi::event::USER_FAULT_REGISTERED, range),
        (abi::event::USER_FAULT, [0; 4]),
    );
    assert_ends(&faults, 4096);
}

#[test]
fn ranges_that_programs_serve_fill_no_memory() {
    let range = [0x1000, 0x1000, 3, 0];
    let ranges = reporting(
        (abi::event::BOOTED, [0; 4]),
        (abi::event::USER_FAULT_REGISTERED, range),
    );
    assert_ends(&ranges, 4096);
}

#[test]
fn changes_of_protection_are_looked_at_up_to_a_limit() {
    assert_ends(
        &reporting(
            (abi::event::BOOTED, [0; 4]),
            (abi::event::PAGES_PROTECTED, [0; 4]),
        ),
        4096,
    );
}

#[test]
fn a_log_without_end_is_told_up_to_a_limit() {
    let text = [u64::from(ENTRY), 1024, 0, 0];
    let told = assert_ends(
        &reporting((abi::event::BOOTED, [0; 4]), (abi::event::LOG, text)),
        2 << 20,
    );
    assert!(told.contains(" more lines)"), "{}", told.len());
}

#[test]
fn processes_without_end_fill_no_memory() {
    let created = [0x1_0000, 0x1000, 0, 0];
    assert_ends(
        &reporting((abi::event::BOOTED, [0; 4]), (abi::event::CREATED, created)),
        1 << 20,
    );
}
