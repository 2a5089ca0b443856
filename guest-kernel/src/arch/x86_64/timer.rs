//! The local APIC's timer, for the clock that really runs: periodic ticks, by the x2APIC's registers.

#![allow(
    unsafe_code,
    reason = "model-specific registers, and interrupts while nothing runs"
)]

use core::arch::asm;

use abi::clock::{TICK_NANOSECONDS, TICK_VECTOR};

use super::registers::{read_model_specific, write_model_specific};

/// IA32_APIC_BASE: the APIC is on, in x2APIC mode.
const BASE_MSR: u32 = 0x1b;
const BASE_X2APIC: u64 = 3 << 10;
/// Registers of the x2APIC (Intel SDM volume 3, "x2APIC Register Address Space").
const END_OF_INTERRUPT: u32 = 0x80b;
const SPURIOUS_VECTOR: u32 = 0x80f;
const TIMER_VECTOR: u32 = 0x832;
const INITIAL_COUNT: u32 = 0x838;
const DIVISOR: u32 = 0x83e;

const APIC_ENABLED: u64 = 1 << 8;
const PERIODIC: u64 = 1 << 17;
const DIVIDE_BY_ONE: u64 = 0xb;
/// KVM's and QEMU's APIC timers count nanoseconds.
const COUNTS_PER_TICK: u64 = TICK_NANOSECONDS;

/// Mask registers of the two interrupt controllers that a PC has beside the APIC.
const LEGACY_MASKS: [u16; 2] = [0x21, 0xa1];

/// Keeps a PC's old interrupt controllers quiet: firmware leaves a timer running on a vector that is an exception's.
pub(crate) fn mask_legacy_interrupts() {
    LEGACY_MASKS
        .iter()
        .for_each(|&port| super::port::write_u8(port, 0xff));
}

/// Starts the ticks.
pub(crate) fn start() {
    write_model_specific(BASE_MSR, read_model_specific(BASE_MSR) | BASE_X2APIC);
    write_model_specific(
        SPURIOUS_VECTOR,
        APIC_ENABLED | u64::from(super::trap::SPURIOUS_VECTOR),
    );
    write_model_specific(DIVISOR, DIVIDE_BY_ONE);
    write_model_specific(TIMER_VECTOR, PERIODIC | u64::from(TICK_VECTOR));
    write_model_specific(INITIAL_COUNT, COUNTS_PER_TICK);
}

/// Tells the APIC that the tick was taken note of.
pub(crate) fn acknowledge() {
    write_model_specific(END_OF_INTERRUPT, 0);
}

/// Stops the processor until an interrupt has come and been handled.
pub(crate) fn wait_for_interrupt() {
    // SAFETY: the handler finds a kernel that holds no lock; interrupts are masked again when this returns.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}
