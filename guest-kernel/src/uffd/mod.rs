//! Page faults that a program serves: userfaultfd.
//!
//! ```text
//!   a thread touches a page ──> FaultError::Awaits ──> wait ──> a message ──> read, poll
//!                                                       ^                         |
//!                            looks again, goes on <── wake <── copy, write_protect, ... (ioctl)
//! ```
//!
//! A context is what one descriptor stands for: the memory of whoever made it, and what was agreed on. An area knows its context
//! and what the context wants of it ([`Watch`](crate::mm::Watch)); what happens to pages is `mm`'s, in
//! `mm/address_space/user_fault`.
//!
//! - `create`: the system call; `file`: what can be done with the descriptor; `request`: arguments of requests
//! - `handshake`, `register` (and unregister), `copy` (and zeros), `write_protect`: one request each
//! - `wait`: threads that wait, and waking them; `read`: messages
//!
//! Of Linux's features there are those that say more of a fault, and SIGBUS in place of a message. Only private anonymous memory can
//! be registered. munmap wakes who waits in the range; Linux leaves that to whoever serves.
//!
//! **Invariant:** a thread that waits holds no lock and no borrow, and the areas that know a context are all in its memory.

mod context;
mod copy;
mod create;
mod events;
mod file;
mod handshake;
mod read;
mod register;
mod request;
mod wait;
mod write_protect;

pub(crate) use context::ContextId;
pub(crate) use create::create;
pub(crate) use events::served as tell_served;
pub(crate) use wait::{NotWaited, Toucher, forget, note_unmapped, wait, wake_stranded};
