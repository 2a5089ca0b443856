//! What is true about a stopped guest, derived from its physical memory alone.
//!
//! **Invariant:** no references into guest memory. Everything is copied out, validated, then used; the guest may hold any
//! bits at all. Work is bounded by an [`Effort`] and memory by the size of guest memory, whatever its contents: a hostile guest
//! gets findings, it cannot make the inspector panic, hang, grow or read outside guest memory.
//!
//! The inspector knows the processor's rules and nothing of the guest kernel. It must not run while a vCPU runs; it would
//! stay safe, but what it finds would be true of no single moment.
//!
//! - [`memory`]: guest physical memory as the inspector sees it
//! - [`walk`]: the page walker: one address ([`walk::translate`]) or a whole address space ([`walk::Scanner`])
//! - [`owners`]: who maps each frame, and which frames are page tables
//! - [`audit`]: what no kernel may let happen, whatever it runs
//! - [`frame_table`]: the kernel's own account of its frames, held against the owners
//! - [`struct_page`]: the account of frames that a Linux keeps for itself
//! - [`dirty`]: which frames changed since the last checkpoint
//! - [`cross_check`]: the walker itself, held against KVM's

pub mod memory;

pub mod walk;

pub mod owners;

pub mod audit;
pub mod cross_check;
pub mod dirty;
pub mod frame_table;
pub mod struct_page;

mod effort;
mod findings;
mod frame_set;

pub use effort::Effort;
pub use findings::Findings;
pub use frame_set::FrameSet;
pub use memory::{OutsideMemory, PhysicalMemory};
