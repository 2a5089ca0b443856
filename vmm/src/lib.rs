//! Ringside.

pub mod image;
