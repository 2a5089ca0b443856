//! What a run writes, and what is read of it.

use std::fs;

use abi::PAGE_SIZE;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::*;
use crate::inspect::memory::FrameBytes;

const FRAMES: usize = 16;

fn memory() -> GuestMemoryMmap {
    GuestMemoryMmap::from_ranges(&[(GuestAddress(0), FRAMES * PAGE_SIZE as usize)]).unwrap()
}

/// The first byte of a frame.
fn held(snapshots: &Snapshots, frame: u64) -> u8 {
    let mut bytes = FrameBytes::zeroed();
    snapshots
        .memory()
        .copy_frame(FrameNumber(frame), &mut bytes)
        .unwrap();
    bytes.0[0]
}

fn write(memory: &GuestMemoryMmap, frame: u64, byte: u8) {
    memory.write_obj(byte, GuestAddress(frame * PAGE_SIZE)).unwrap();
}

#[test]
fn memory_can_be_looked_at_in_any_order_of_its_moments() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = Keeper::create(folder.path(), 1 << 20).unwrap();
    let guest = memory();
    let keep = |line| {
        keeper.keep_memory(
            line,
            NamedMemory::default(),
            Ok(SystemRegisters::default()),
            &guest,
        );
    };
    write(&guest, 1, 10);
    keep(0);
    write(&guest, 1, 11);
    write(&guest, 3, 31);
    keep(1);
    keep(4);
    write(&guest, 3, 0);
    keep(5);
    keeper.finish().unwrap();

    let mut snapshots = Snapshots::read(folder.path()).unwrap();
    assert_eq!(snapshots.count(), 4);
    assert_eq!(
        [0, 1, 2, 3, 4].map(|number| snapshots.line(number)),
        [Some(0), Some(1), Some(4), Some(5), None]
    );
    let expected = [[10, 0], [11, 31], [11, 31], [11, 0]];
    for number in [0, 3, 1, 2, 0, 2, 3, 0] {
        snapshots.go_to(number);
        assert_eq!(snapshots.at(), number);
        assert_eq!(
            [1, 3].map(|frame| held(&snapshots, frame)),
            expected[number],
            "{number}"
        );
    }
    snapshots.go_to(9);
    assert_eq!(snapshots.at(), 3);
    // Frames that hold what they held are not written again.
    let len_bytes = fs::metadata(folder.path().join(FILE_NAME)).unwrap().len();
    assert!((4 * PAGE_SIZE..5 * PAGE_SIZE).contains(&len_bytes), "{len_bytes}");
}

#[test]
fn a_file_that_would_become_too_long_is_an_error_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = Keeper::create(folder.path(), 2 * PAGE_SIZE).unwrap();
    let guest = memory();
    for frame in 0..4 {
        write(&guest, frame, 1);
        keeper.keep_memory(0, NamedMemory::default(), Ok(SystemRegisters::default()), &guest);
    }
    assert_eq!(
        keeper.finish().unwrap_err().kind(),
        std::io::ErrorKind::FileTooLarge
    );
    let len_bytes = fs::metadata(folder.path().join(FILE_NAME)).unwrap().len();
    assert!(len_bytes <= 2 * PAGE_SIZE, "{len_bytes}");
}

#[test]
fn a_file_that_no_run_has_left_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    let read = || {
        Snapshots::read(folder.path())
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert!(read().starts_with("cannot read"));
    let written = |head: &Head| {
        let head = serde_json::to_vec(head).unwrap();
        [&u32::try_from(head.len()).unwrap().to_le_bytes(), head.as_slice()].concat()
    };
    let head = Head {
        line: 0,
        memory_len_bytes: 2 * PAGE_SIZE,
        registers: SystemRegisters::default(),
        named: NamedMemory::default(),
        frames: Vec::new(),
    };
    let outside = Head {
        frames: vec![FrameNumber(2)],
        ..head.clone()
    };
    let huge = Head {
        memory_len_bytes: u64::MAX,
        ..head.clone()
    };
    let larger = Head {
        memory_len_bytes: 3 * PAGE_SIZE,
        ..head.clone()
    };
    for (bytes, expected) in [
        (Vec::new(), "there was nothing to look at"),
        (vec![0xff; 8], "too long"),
        (b"\x04\0\0\0null".to_vec(), "is none"),
        (b"\x04\0\0\0nu".to_vec(), "cannot read"),
        (written(&outside), "outside memory"),
        (written(&huge), "no guest has so much"),
        (
            [written(&head), written(&larger)].concat(),
            "size of memory changes",
        ),
    ] {
        fs::write(&file, bytes).unwrap();
        assert!(read().contains(expected), "{expected}: {}", read());
    }
    fs::write(&file, written(&head)).unwrap();
    assert_eq!(Snapshots::read(folder.path()).unwrap().count(), 1);
}
