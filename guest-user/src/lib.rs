//! What the programs of the guest stand on: a start, system calls, output, and memory that Rust knows nothing of.
//!
//! Every program is a static ELF file that uses only system calls of Linux's x86-64 ABI. The same file runs on the guest
//! kernel and on a real Linux, so whatever differs between the two is the kernel's doing.
//!
//! - [`program!`]: names the function that a program begins with; it gets [`Arguments`]
//! - [`syscall`]: the system calls, by subject
//! - [`Span`]: addresses to map, load and store, and to fault on
//! - [`pages`]: spans by the page
//! - [`child`]: children that run a function
//! - [`thread`]: threads that do
//! - [`new_stack`]: how both begin on a stack of their own
//! - [`Board`]: words that processes share
//! - [`Jit`]: functions that the kernel runs for a program
//! - [`Racers`]: processes that begin at the same time
//! - [`FailNth`]: requests for memory that fail inside the kernel
//! - [`ShadowTable`]: memory in which an inspector sees the shadow page table; [`Inspector`]: a process that looks into one
//! - [`PageMap`]: where its pages are
//! - [`maps`]: what the kernel says of the process's address space
//! - [`net`]: streams to servers, wherever they are
//! - [`facts`]: what programs tell, one fact a line
//! - [`lines`]: lines of files that the kernel makes when they are read
//! - [`Userfaultfd`]: page faults that a program serves
//! - [`Text`]: text of a bounded length
//! - [`print!`], [`println!`]: text to standard output, one system call a line; [`eprintln!`]: to standard error
//!
//! A program that finds a word of the VMM's in its environment prints it first, transformed ([`abi::nonce`]).
//!
//! There is no heap, and no static data that changes: a program's pages are those of its file, its stack, and what it
//! maps on purpose.

#![no_std]

mod arguments;
mod board;
pub mod child;
pub mod facts;
mod fail_nth;
mod inspector;
mod jit;
pub mod lines;
pub mod maps;
pub mod net;
pub mod new_stack;
mod nonce;
pub mod output;
mod page_map;
pub mod pages;
mod panic;
mod racers;
mod shadow_table;
mod span;
mod start;
pub mod syscall;
mod text;
pub mod thread;
mod userfaultfd;

pub use arguments::{Arguments, parse_number};
pub use board::Board;
pub use fail_nth::FailNth;
pub use inspector::{Inspector, Seen};
pub use jit::Jit;
pub use page_map::{PageMap, PageWord};
pub use racers::{Racers, let_others_finish};
pub use shadow_table::ShadowTable;
pub use span::Span;
pub use text::Text;
pub use userfaultfd::{Message, Userfaultfd};
