//! The kernel as an ELF file. Everything is in the library; this makes the linker pull it in.

#![cfg_attr(target_os = "none", no_std, no_main)]

use guest_kernel as _;

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("guest-kernel: runs on bare metal only; build it with --target x86_64-unknown-none");
    std::process::ExitCode::from(2)
}
