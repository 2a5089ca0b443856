//! Signals. Each ends or stops the process, does nothing, or has a handler of the program's run, as its action says.
//!
//! ```text
//!   kill, tgkill, a child's end ──> acts at once: ends the process, lets it go on, or nothing
//!            │
//!            ├─ blocked ───────────> pending ──> taken by rt_sigtimedwait
//!            │                          │
//!            └─ has a handler, or stops the process ──> pending, and a thread is told, which wakes up
//!                                       │ not blocked (any more), on the way back to the program
//!   an exception ──> has a handler ─────┴──> its frame on the stack, the handler, rt_sigreturn
//!            └─ has none, or is blocked: ends the process
//! ```
//!
//! - `set`: a signal, and sets of them; `pending`: those that wait, and where they come from
//! - `action`, `effect`: rt_sigaction, and what a signal does; `alternate_stack`: a stack for handlers
//! - `send`, `mask`, `wait`: kill and tgkill, rt_sigprocmask and rt_sigsuspend, rt_sigtimedwait
//! - `deliver`: on the way back to a program; `handler`: a handler begins and returns; `restart`: interrupted calls that go on
//! - `stop`: stopping and going on
//!
//! **Invariant:** a thread for which a signal is there that it does not block is told so (`is_signalled`), or another thread is
//! that can take it. Nothing else is looked at on the way back.

mod action;
mod alternate_stack;
mod deliver;
mod effect;
mod handler;
mod mask;
mod pending;
mod restart;
mod send;
mod set;
mod stop;
mod wait;

pub(crate) use action::{Action, Actions, set_action};
pub(crate) use alternate_stack::{AlternateStack, alternate_stack};
pub(crate) use deliver::go_back;
pub(crate) use handler::sigreturn;
pub(crate) use mask::{change_mask, pending_signals, suspend, wait_for_any_signal};
pub(crate) use pending::{Origin, Pending};
pub(crate) use restart::Restart;
pub(crate) use send::{kill, kill_any_thread, kill_thread};
pub(crate) use set::{Signal, SignalSet};
pub(crate) use wait::wait_for_signal;

pub(super) use deliver::force;
pub(super) use mask::hand_on;
pub(super) use send::{ParentWants, send, tell_parent};
pub(super) use stop::{News, thread_gone};

use super::{Pid, table};
