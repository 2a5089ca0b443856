//! Two processes have the kernel run a function each, at the same time, through one device with one page: whatever runs is one of
//! the two, as a whole, and what each finds fits one order of all that they did.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "ioctl may do anything to memory")]

use abi::linux::syscall::O_RDWR;
use abi::samples::{JIT_EXECUTE_FUNC, JIT_LOAD_FUNC, UserFunction};
use guest_user::syscall::file;
use guest_user::{Arguments, Racers, println, program};

program!(main);

/// For each racer a function of its own: `mov eax, 1` or `mov eax, 2`, a hundred `nop`, and `ret`.
static FUNCTIONS: [[u8; 106]; 2] = [returning(1), returning(2)];
/// What a racer finds that could not do what it wanted.
const FAILED: u64 = 9;

fn main(_: Arguments) -> i32 {
    let fd = file::open(c"/dev/JIT", O_RDWR).expect("open of the device");
    let race = Racers::new();
    let racers = [0, 1].map(|number| {
        race.start(|| {
            let function = &FUNCTIONS[number as usize];
            race.line_up(number);
            race.found(number, load_and_execute(fd, function));
        })
    });
    race.run(racers);
    let found = [0, 1].map(|racer| race.finding(racer));
    println!(
        "each result is a whole function's: {}",
        found.iter().all(|result| matches!(result, 1 | 2))
    );
    // Each loads before it executes, so nobody finds the other's function who loaded last.
    println!("there is an order that explains them: {}", found != [2, 1]);
    file::close(fd).expect("close of the device");
    0
}

fn load_and_execute(fd: i32, function: &[u8]) -> u64 {
    let function = UserFunction {
        address: function.as_ptr() as u64,
        len_bytes: function.len() as u64,
    };
    // SAFETY: the device reads what it is told, and writes nothing.
    let loaded = unsafe { file::ioctl(fd, JIT_LOAD_FUNC, &raw const function as u64) };
    // SAFETY: neither function writes to memory.
    let result = loaded.and_then(|_| unsafe { file::ioctl(fd, JIT_EXECUTE_FUNC, 0) });
    result.unwrap_or(FAILED)
}

const fn returning(number: u8) -> [u8; 106] {
    let mut code = [0x90; 106];
    code[0] = 0xb8;
    code[1] = number;
    code[2] = 0;
    code[3] = 0;
    code[4] = 0;
    code[105] = 0xc3;
    code
}
