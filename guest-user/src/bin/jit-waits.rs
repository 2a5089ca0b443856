//! A function that the device is given lies in a page that another thread has to provide: meanwhile whoever wants to run it waits, and
//! what runs then is the whole function.
#![no_std]
#![no_main]

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::linux::userfaultfd::UFFDIO_REGISTER_MODE_MISSING;
use guest_user::syscall::process;
use guest_user::{Arguments, Board, Jit, Span, Userfaultfd, println, program, thread};

program!(main);

/// `mov eax, 42` and `ret`.
const FORTY_TWO: [u8; 6] = [0xb8, 42, 0, 0, 0, 0xc3];
/// Words on the board.
const LOADED: u64 = 0;
const RESULT: u64 = 1;

fn main(_: Arguments) -> i32 {
    let device = Jit::open().expect("open of the device");
    let [page, source] =
        [1, 2].map(|_| Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap"));
    (0..)
        .zip(FORTY_TWO)
        .for_each(|(index, byte)| source.store(index, byte));
    let uffd = Userfaultfd::open(0, 0);
    uffd.register(page, UFFDIO_REGISTER_MODE_MISSING)
        .expect("UFFDIO_REGISTER");
    let board = Board::new();
    let loader = thread::spawn(move || {
        let loaded = device.load_at(page.address(), FORTY_TWO.len() as u64);
        board.post(LOADED, 1 + u64::from(loaded.is_ok()));
    });
    let loader = loader.expect("clone");
    let message = uffd.next_message();
    println!(
        "the kernel waits for the page: {}",
        message.address() == page.address()
    );
    let runner = thread::spawn(move || {
        board.post(RESULT, device.execute().unwrap_or(0));
    });
    let runner = runner.expect("clone");
    // Each thread has had its turn then.
    for _ in 0..3 {
        process::sched_yield();
    }
    let nobody_is_done = board.read(LOADED) == 0 && board.read(RESULT) == 0;
    println!("nobody is done meanwhile: {nobody_is_done}");
    let (copied, _) = uffd.copy(page, source.address(), 0);
    copied.expect("UFFDIO_COPY");
    loader.join();
    runner.join();
    println!("loaded: {}", board.read(LOADED) == 2);
    println!("the result: {}", board.read(RESULT));
    uffd.close();
    device.close();
    0
}
