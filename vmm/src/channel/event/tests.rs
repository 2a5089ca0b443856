use super::*;

fn memory_with(record: &[u8], text: &[u8]) -> GuestMemoryMmap {
    let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 0x4000)]).unwrap();
    memory.write_slice(record, GuestAddress(0x1000)).unwrap();
    memory.write_slice(text, GuestAddress(0x2000)).unwrap();
    memory
}

fn record(kind: u32, arguments: [u64; 4]) -> Vec<u8> {
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend(7_u32.to_le_bytes());
    bytes.extend(arguments.iter().flat_map(|argument| argument.to_le_bytes()));
    bytes
}

#[test]
fn a_record_is_decoded() {
    let memory = memory_with(&record(EXITED, [0x100, 0, 0, 0]), b"");
    assert_eq!(
        read_event(PhysAddr(0x1000), &memory),
        Event::Exited {
            pid: 7,
            status: 0x100
        }
    );
}

#[test]
fn faults_that_programs_serve_are_decoded() {
    let decoded = |kind, arguments| read_event(PhysAddr(0x1000), &memory_with(&record(kind, arguments), b""));
    assert_eq!(
        decoded(USER_FAULT_REGISTERED, [0x5000, 0x2000, 3, 0]),
        Event::UserFaultRegistered {
            pid: 7,
            start: VirtAddr(0x5000),
            len_bytes: 0x2000,
            mode: 3
        }
    );
    assert_eq!(
        decoded(USER_FAULT, [0x5000, 5, 0, 0]),
        Event::UserFault {
            tid: 7,
            page: VirtAddr(0x5000),
            flags: 5
        }
    );
    assert_eq!(
        decoded(USER_FAULT_SERVED, [0x6000, 0, 0, 0]),
        Event::UserFaultServed {
            tid: 7,
            page: VirtAddr(0x6000)
        }
    );
}

#[test]
fn a_record_outside_memory_is_malformed() {
    let memory = memory_with(b"", b"");
    assert!(matches!(
        read_event(PhysAddr(0x3ff0), &memory),
        Event::Malformed { .. }
    ));
    assert!(matches!(
        read_event(PhysAddr(u64::MAX), &memory),
        Event::Malformed { .. }
    ));
}

#[test]
fn a_panic_message_cannot_reach_the_terminal_or_be_endless() {
    let memory = memory_with(&record(PANIC, [0x2000, 10, 0, 0]), b"a\x1b[2J\xffb\nc");
    let Event::Panic { message } = read_event(PhysAddr(0x1000), &memory) else {
        panic!()
    };
    assert_eq!(message, "a\\u{1b}[2J\u{fffd}b\nc\\u{0}");
    let memory = memory_with(&record(PANIC, [0x2000, u64::MAX, 0, 0]), b"");
    let Event::Panic { message } = read_event(PhysAddr(0x1000), &memory) else {
        panic!()
    };
    assert_eq!(message.matches("\\u{0}").count() as u64, MAX_TEXT_BYTES);
}
