//! Hands the linker what every program needs, whoever builds it.

fn main() {
    let crate_dir = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it for build scripts");
    println!("cargo:rerun-if-changed=link.ld");
    println!("cargo:rustc-link-arg-bins=-T{crate_dir}/link.ld");
    // The addresses in link.ld are final: no loader of ours relocates.
    println!("cargo:rustc-link-arg-bins=--no-pie");
    // Programs are loaded with every guest, and nobody reads their symbols there.
    println!("cargo:rustc-link-arg-bins=--strip-all");
}
