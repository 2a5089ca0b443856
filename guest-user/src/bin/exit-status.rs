//! Exits with the status that its argument names.
#![no_std]
#![no_main]

use guest_user::{Arguments, println, program};

program!(main);

/// Exit status when the argument is missing or no number.
const USAGE_STATUS: i32 = 2;

fn main(arguments: Arguments) -> i32 {
    let status = arguments
        .get(1)
        .and_then(|text| str::from_utf8(text).ok())
        .and_then(|text| text.parse().ok());
    match status {
        Some(status) => {
            println!("exiting with status {status}");
            status
        }
        None => {
            println!("usage: exit-status <number>");
            USAGE_STATUS
        }
    }
}
