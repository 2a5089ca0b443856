//! x86-64: descriptor tables, traps, context switch, user registers, control registers, timer, ports.
//!
//! Correct on processors that execute kernel mode as the manual says and under hypervisors that interpret it; where the two
//! differ, `trap` says so. Segments are laid out as `sysret` wants them, and as Linux has them.

mod context;
#[cfg(target_os = "none")]
mod entry;
mod guard;
mod port;
mod registers;
mod segments;
pub(crate) mod timer;
mod trap;
mod user_state;

pub(crate) use context::{Context, switch};
pub(crate) use guard::call_guarded;
pub(crate) use port::{read_u8, read_u32, write_u8, write_u8_string, write_u32};
pub(crate) use registers::{active_root, break_at_zero, flush_all, flush_page, halt_forever, load_root};
pub(crate) use segments::set_kernel_stack;
pub(crate) use trap::{Kept, SignalFrame, TrapFrame};
pub(crate) use user_state::UserState;

/// Loads descriptor tables and system-call registers. The address space of `boot.s` must be active.
pub(crate) fn init() {
    segments::load();
    trap::load();
    registers::enable_system_calls();
}
