//! Hands the linker what every program needs, whoever builds it.

fn main() {
    println!("cargo:rerun-if-changed=link.ld");
    // Relative to the workspace, where cargo starts the linker: this is kept with what was built, and a checkout may be moved.
    println!("cargo:rustc-link-arg-bins=-Tguest-user/link.ld");
    // The addresses in link.ld are final: no loader of ours relocates.
    println!("cargo:rustc-link-arg-bins=--no-pie");
    // Programs are loaded with every guest, and nobody reads their symbols there.
    println!("cargo:rustc-link-arg-bins=--strip-all");
}
