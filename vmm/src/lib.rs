//! Ringside.

pub mod linux_reference;
