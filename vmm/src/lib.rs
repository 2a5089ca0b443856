//! Ringside.

pub mod scenario;
