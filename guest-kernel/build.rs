//! Links the bare-metal binary where `abi` says that the kernel lies.

use std::env;

use abi::boot::{DIRECT_MAP_BASE, KERNEL_PHYS};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=link.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    for argument in [
        // Relative to the workspace, where cargo starts the linker: this is kept with what was built, and a checkout may be moved.
        "-Tguest-kernel/link.ld".to_owned(),
        format!("--defsym=DIRECT_MAP_BASE={DIRECT_MAP_BASE:#x}"),
        format!("--defsym=KERNEL_PHYS={KERNEL_PHYS:#x}"),
        "-zmax-page-size=4096".to_owned(),
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
