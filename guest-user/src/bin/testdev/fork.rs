//! Children: they share the memory, and the device is in use until the last of them lets go.

use abi::linux::mman::MAP_SHARED;
use abi::linux::syscall::O_RDWR;
use abi::testdev::{REGISTER, UNREGISTER};
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::syscall::{Outcome, file};
use guest_user::{Board, child, println};

use crate::device::{AT_ONCE, Device, MEMORY_BYTES, ON_FAULT, PATH, READ_WRITE, command, show_counts};

/// Words of the board.
const STORED: u64 = 0;
const SEEN: u64 = 1;

pub(crate) fn show() {
    for (name, offset) in [("at once", AT_ONCE), ("on fault", ON_FAULT)] {
        let board = Board::new();
        let device = Device::opened();
        let span = device
            .map(offset, MEMORY_BYTES, READ_WRITE, MAP_SHARED)
            .expect("mmap of the device");
        span.store(0, b'p');
        device.close();
        println!(
            "{name}, unregister when only the mapping is left: {}",
            command(UNREGISTER)
        );
        let child = child::start(|| {
            board.post(SEEN, span.load(0).into());
            span.store(0, b'c');
            board.post(STORED, 1);
            board.wait_for(STORED, 2);
        });
        board.wait_for(STORED, 1);
        println!(
            "{name}, the child sees {} and the parent {}",
            char::from(board.read(SEEN) as u8),
            char::from(span.load(0))
        );
        span.unmap().expect("munmap");
        println!(
            "unregister when only the child's is left: {}",
            command(UNREGISTER)
        );
        show_counts("with the child");
        board.post(STORED, 2);
        let ended = process::wait(child, 0);
        println!("the child ended: {}", WaitOutcome(ended));
        show_counts("without it");
        println!("unregister: {}", command(UNREGISTER));
        println!("open then: {}", Outcome::from(file::open(PATH, O_RDWR)));
        println!("register: {}", command(REGISTER));
        println!("register again: {}", command(REGISTER));
    }
}
