//! Programs that tell what is so, one fact a line, in sections.

use core::fmt;

use crate::println;
use crate::syscall::{Errno, Outcome};

/// A heading, and the facts below it.
pub fn section(name: &str, facts: fn()) {
    println!("{name}");
    facts();
}

/// A line.
pub fn fact(what: &str, value: impl fmt::Display) {
    println!("  {what}: {value}");
}

/// What came of a call.
pub fn outcome<T>(what: &str, result: Result<T, Errno>) {
    fact(what, Outcome::from(result));
}
