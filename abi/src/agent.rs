//! Where the agent keeps what it needs for itself.
//!
//! An agent runs on a stack in memory that fork shares, which its parent has made and touched for it. So nothing that it does
//! between two operations depends on a copy of a page, or on one that comes with its first access: a kernel that gets those wrong
//! fails where an operation asks for them. Each channel has a place of its own for its agent's stack, so that parent and child,
//! who both have the parent's stack mapped, never use the same one.

use crate::doorbell::CHANNELS;

/// Address of the stack of channel 0. Far from what kernels choose for programs, breaks and mappings, so that the agent's memory is
/// nobody's neighbour.
pub const STACKS_BASE: u64 = 0x1_0000_0000;
/// Bytes of address space for each channel's stack.
pub const STACK_BYTES: u64 = 64 << 10;
/// Bytes of the whole range.
pub const STACKS_LEN_BYTES: u64 = CHANNELS * STACK_BYTES;
