//! Guests, images and scenarios of strangers, and what the command makes of them: a verdict, in bounded memory and time, told in
//! text that cannot be taken for something else.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

#[path = "../support/bounded.rs"]
mod bounded;
mod command;
mod files;
mod floods;
mod symbol;
mod texts;
#[path = "../support/tiny_elf.rs"]
mod tiny_elf;
