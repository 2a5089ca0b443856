//! A small kernel with Linux's x86-64 system-call ABI, made to be judged from outside.
//!
//! One processor, no interrupts: a process runs until it traps, and the kernel runs until it returns or switches. The
//! folders are the architecture; read them in this order.
//!
//! - `boot`: from the PVH entry to the first process
//! - `arch`: the processor: descriptor tables, traps, context switch, ports
//! - `mm`: frames, kernel heap, page tables, address spaces, copies from and to user memory
//! - `process`, `sched`: the process table, fork, exec, exit, wait; who runs next
//! - `shadowpt`: one process watches the page tables of another
//! - `net`: sockets
//! - `module`: objects that become a part of the running kernel
//! - `syscall`: the table of system calls
//! - `elf`: what programs and modules have in common as files
//! - `fs`, `device`: files and what drivers do with them, the initrd, `/proc`, the serial console, the port to the VMM
//! - `events`, `log`: what the kernel tells, whoever listens
//! - `mutant`, `withheld`, `selfcheck`: deliberate faults, reports that are not sent, and a kernel that checks itself
//!
//! **Invariant:** an instruction in the kernel may cost most of a microsecond (some hypervisors interpret kernel mode),
//! so work is counted in instructions: nothing is zeroed that is known to be zero, and bulk work uses string
//! instructions.

#![cfg_attr(not(test), no_std)]
#![cfg_attr(
    not(target_os = "none"),
    allow(
        dead_code,
        reason = "the host builds the kernel for its tests, without the assembly that calls into it"
    )
)]
#![deny(unsafe_code)]

extern crate alloc;

mod arch;
mod boot;
mod device;
mod elf;
mod errno;
mod events;
mod fs;
mod log;
mod mm;
mod module;
mod mutant;
mod net;
mod panic;
mod process;
mod sched;
mod selfcheck;
mod shadowpt;
mod sync;
mod syscall;
mod uffd;
mod withheld;
