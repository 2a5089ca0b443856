//! Programs that tell what is so, one fact a line, in sections.

use core::fmt;

use crate::println;

/// A heading, and the facts below it.
pub fn section(name: &str, facts: fn()) {
    println!("{name}");
    facts();
}

/// A line.
pub fn fact(what: &str, value: impl fmt::Display) {
    println!("  {what}: {value}");
}
