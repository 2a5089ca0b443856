//! Ringside.

pub mod address;
pub mod inspect;
pub mod scenario;
