//! Placeholder until the crate is written.
#![no_std]
