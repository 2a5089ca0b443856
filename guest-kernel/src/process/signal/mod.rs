//! Signals, as far as a process that has no handlers gets them. Each does what Linux does by default: most end the process,
//! some are ignored. Those that stop a process are refused with EINVAL, because no process stops here.
//!
//! ```text
//!   kill, tgkill, a child's end ──> acts at once: ends the process, or nothing
//!            │                          ^
//!            └─ blocked ──> pending ────┤ not blocked any more
//!                              └────────┴─> taken by rt_sigtimedwait
//! ```
//!
//! A program that wants to live on when a signal comes blocks it and waits for it. There are no handlers on purpose.
//!
//! - `set`: a signal, and sets of them; `pending`: those that wait, and where they come from
//! - `effect`: what a signal does by default
//! - `send`, `mask`, `wait`: kill and tgkill, rt_sigprocmask, rt_sigtimedwait

mod effect;
mod mask;
mod pending;
mod send;
mod set;
mod wait;

pub(crate) use mask::change_mask;
pub(crate) use pending::{Origin, Pending};
pub(crate) use send::{kill, kill_thread};
pub(crate) use set::{Signal, SignalSet};
pub(crate) use wait::wait_for_signal;

pub(super) use send::tell_parent;
