//! Prints its arguments, one a line.
#![no_std]
#![no_main]

use guest_user::{Arguments, println, program};

program!(main);

fn main(arguments: Arguments) -> i32 {
    println!("hello");
    for (index, argument) in arguments.iter().enumerate() {
        println!("argv[{index}] = {}", argument.escape_ascii());
    }
    0
}
