//! The least that a program can do: say something, and have a process of its own to say it in.
#![no_std]
#![no_main]

use guest_user::syscall::process::{parent_process_id, process_id};
use guest_user::{Arguments, println, program};

program!(main);

fn main(_: Arguments) -> i32 {
    println!("hello, world");
    println!(
        "I am a process, and not the one that made me: {}",
        process_id() > 0 && process_id() != parent_process_id()
    );
    println!("hello pass");
    0
}
