//! Ringside.

pub mod address;
pub mod inspect;
