//! Ticks: how time reaches the guest.
//!
//! With `clock=virtual` (the default) time is what the VMM says: it raises [`TICK_VECTOR`] at moments of its choice, always
//! while an agent asks for its next operation, and each tick is [`TICK_NANOSECONDS`] of guest time. When every thread sleeps,
//! the kernel moves its clock to the first moment that one of them waits for. With `clock=real` the local APIC's timer raises
//! the same vector.

/// Interrupt vector of a tick.
pub const TICK_VECTOR: u8 = 32;
/// Guest time between two ticks.
pub const TICK_NANOSECONDS: u64 = 10_000_000;
/// Ticks that a thread may run while others could.
pub const SLICE_TICKS: u64 = 5;
