//! Ringside boots a guest kernel in a small KVM virtual machine, drives its processes through a scenario, and checks what
//! the guest says about its memory against what is in guest physical memory.
//!
//! Read `run/once.rs` first: it is the whole pipeline. Data flows through the modules in this order:
//!
//! - [`scenario`]: text to a typed, validated script
//! - [`guest`]: what is known of a kernel, and what it promises to report
//! - [`image`]: kernel and programs, built when they are needed; [`kernel_file`]: a kernel of others as an ELF file
//! - [`vm`]: the machine; it can be inspected only while it stands still
//! - [`block`]: the disk that the guest swaps to; `virtio`: what devices have in common
//! - [`vsock`]: sockets between the guest and servers of the host
//! - [`channel`]: what the guest says, decoded and believed by nobody
//! - [`moments`]: what is looked at between two operations, when the kernel tells of it
//! - [`drive`]: which process moves next
//! - [`perform`]: steps to operations, answers to claims; keeps the reference [`model`]
//! - [`inspect`]: the truth about guest physical memory
//! - [`judge`]: truth against claims, model and expectations
//! - [`finding`]: what is not as it must be, by which [`rule`]; [`promise`]: what a kernel can report; [`offer`]: what it may have
//! - [`printable`]: what strangers name, made fit to be printed
//! - [`report`]: the verdict, for people and for programs
//! - [`worker`]: one run in a confined process of its own, and many of them at once
//! - [`results`]: a folder of what is finished
//! - [`grade`]: verdicts to points; [`journal`]: what happens, as a stream that every form of a report reads
//! - [`debugger`]: gdb, at a run; [`look`]: a prompt, at what a run has left in [`snapshots`]
//! - [`fuzz`]: random sequences of steps, made shorter when they break a rule
//!
//! Beside it stand [`linux_reference`], which lets an ordinary Linux perform the same operations, and [`clauses`], which lists
//! what scenarios show of a specification.

pub mod address;
mod archive;
pub mod block;
pub mod bundle;
pub mod channel;
pub mod clauses;
pub mod debian;
pub mod debugger;
pub mod doctor;
mod draws;
pub mod drive;
pub mod finding;
pub mod fuzz;
pub mod grade;
pub mod guest;
pub mod image;
pub mod inspect;
mod interrupt_line;
pub mod journal;
pub mod judge;
pub mod kernel_file;
pub mod linux_reference;
pub mod look;
pub mod machine;
pub mod manual;
pub mod model;
pub mod moments;
pub mod offer;
pub mod packed;
pub mod perform;
pub mod platform;
pub mod printable;
pub mod promise;
pub mod regular_file;
pub mod report;
pub mod results;
pub mod rule;
pub mod run;
pub mod scenario;
pub mod snapshots;
pub mod trace;
mod view;
mod virtio;
pub mod vm;
pub mod vsock;
pub mod worker;
