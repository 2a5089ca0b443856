//! Links the bare-metal binary where `abi` says that the kernel lies.

use std::env;

use abi::boot::{DIRECT_MAP_BASE, KERNEL_PHYS};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=link.ld");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let crate_dir = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it for build scripts");
    for argument in [
        format!("-T{crate_dir}/link.ld"),
        format!("--defsym=DIRECT_MAP_BASE={DIRECT_MAP_BASE:#x}"),
        format!("--defsym=KERNEL_PHYS={KERNEL_PHYS:#x}"),
        "-zmax-page-size=4096".to_owned(),
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
