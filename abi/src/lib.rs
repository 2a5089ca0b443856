//! What the two sides of the VM boundary share.
//!
//! **Invariant:** this crate holds numbers and layouts, never logic. The judge and the judged both read it, so anything
//! that *decides* here would be a fault that both share and neither sees.
//!
//! Everything that crosses the boundary is an integer with a fixed layout. Sizes and offsets are asserted at compile
//! time: when one of those assertions fails, a guest image and a VMM of different age would misread each other, so find
//! out who reads the field before you change the number.
//!
//! - [`doorbell`]: how a user program asks the VMM for its next operation, and the registers for it
//! - [`operation`]: what the VMM can ask an agent to do; [`agent`]: where it keeps what it needs for itself
//! - [`nonce`]: how a program shows that what is printed comes from it
//! - [`event`]: what the kernel reports to the VMM
//! - [`frame_table`]: the kernel's own account of guest physical memory
//! - [`boot`]: where things are when the guest starts
//! - [`thread`], [`schedule`], [`clock`]: states of a thread, who goes on, how time passes
//! - [`virtio`]: where devices of virtio are; [`block`]: the disk that the kernel swaps to
//! - [`vsock`]: sockets between the guest and servers of the host
//! - [`shadowpt`]: the shadow page table's system calls
//! - [`module`]: what the kernel offers to loadable modules
//! - [`testdev`]: a driver for programs to try
//! - [`driver`]: what loadable modules hand to the kernel for files of their own
//! - [`samples`]: what the modules that come with this project and their programs agree on
//! - [`warehouse`]: a server that hands out pages of a text, and its clients
//! - [`paging`]: the x86-64 page-table entry, as the processor manual defines it
//! - [`linux`]: numbers of Linux's x86-64 system-call ABI

#![no_std]
#![forbid(unsafe_code)]

pub mod agent;
pub mod block;
pub mod boot;
pub mod clock;
pub mod doorbell;
pub mod driver;
pub mod event;
pub mod frame_table;
pub mod linux;
pub mod module;
pub mod nonce;
pub mod operation;
pub mod paging;
pub mod samples;
pub mod schedule;
pub mod shadowpt;
pub mod testdev;
pub mod thread;
pub mod virtio;
pub mod vsock;
pub mod warehouse;

/// Bytes in a frame, and in the page that maps it.
pub const PAGE_SIZE: u64 = 4096;
/// log2 of [`PAGE_SIZE`].
pub const PAGE_SHIFT: u32 = 12;

/// Declares named integers once and yields the constants and the lookup from number to name.
macro_rules! named_numbers {
    ($(#[$list_doc:meta])* $name_of:ident: $type:ty { $($(#[$doc:meta])* $name:ident = $value:expr;)* }) => {
        $($(#[$doc])* pub const $name: $type = $value;)*

        $(#[$list_doc])*
        #[must_use]
        pub const fn $name_of(number: $type) -> Option<&'static str> {
            match number {
                $($name => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}
pub(crate) use named_numbers;
