//! Two processes have the kernel run a function each, at the same time, through one device with one page: whatever runs is one of
//! the two, as a whole, and what each finds fits one order of all that they did.
#![no_std]
#![no_main]

use guest_user::{Arguments, Jit, Racers, println, program};

program!(main);

/// For each racer a function of its own: `mov eax, 1` or `mov eax, 2`, a hundred `nop`, and `ret`.
static FUNCTIONS: [[u8; 106]; 2] = [returning(1), returning(2)];
/// What a racer finds that could not do what it wanted.
const FAILED: u64 = 9;

fn main(_: Arguments) -> i32 {
    let device = Jit::open().expect("open of the device");
    let race = Racers::new();
    let racers = [0, 1].map(|number| {
        race.start(|| {
            let function = &FUNCTIONS[number as usize];
            race.line_up(number);
            race.found(number, load_and_execute(device, function));
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
    device.close();
    0
}

fn load_and_execute(device: Jit, function: &[u8]) -> u64 {
    let result = device.load(function).and_then(|()| device.execute());
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
