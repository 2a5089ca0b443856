//! Makes a sysroot with `core`, `compiler_builtins` and `alloc` out of the library's source.
//!
//! Cargo can do this too (`-Zbuild-std`), but only with unstable flags in every build that follows. Three calls of the
//! compiler, once, leave the guest's own builds to ordinary stable cargo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Obstacle;
use super::compiler::Compiler;
use crate::debian::tool;
use crate::image::{Progress, TARGET};

/// Crate, its root below `library/`, and its `cfg`s, in the order in which they need each other. Without the feature
/// `mem` there would be no `memcpy` for compiled code to call.
const CRATES: [(&str, &str, &[&str]); 3] = [
    ("core", "core/src/lib.rs", &[]),
    (
        "compiler_builtins",
        "compiler-builtins/compiler-builtins/src/lib.rs",
        &[
            r#"feature="compiler-builtins""#,
            r#"feature="mem""#,
            r#"feature="rustc-dep-of-std""#,
        ],
    ),
    ("alloc", "alloc/src/lib.rs", &[]),
];

/// Returns the sysroot, a directory among the working files.
pub(super) fn sysroot(
    compiler: &Compiler,
    library: &Path,
    work: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Obstacle> {
    let sysroot = work.join("sysroot");
    let out_dir = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(&out_dir).map_err(Obstacle::file(&out_dir))?;
    for (name, root, cfgs) in CRATES {
        progress.step(&format!(
            "compiling {name} for {TARGET}, once for rustc {}",
            compiler.release
        ));
        let mut rustc = Command::new("rustc");
        rustc
            .args([
                "--crate-name",
                name,
                "--crate-type",
                "rlib",
                "--edition",
                "2024",
                "--target",
                TARGET,
            ])
            .args([
                "-O",
                "-Cpanic=abort",
                "-Zforce-unstable-if-unmarked",
                "--cap-lints",
                "allow",
            ])
            .args(cfgs.iter().flat_map(|cfg| ["--cfg", cfg]))
            .arg(format!(
                "--remap-path-prefix={}=/rustc/{}/library",
                library.display(),
                compiler.commit
            ))
            .arg("--sysroot")
            .arg(&sysroot)
            .arg("--out-dir")
            .arg(&out_dir)
            .arg(library.join(root))
            // The library is made of unstable features; it is the one thing that may use them on a stable compiler.
            .env("RUSTC_BOOTSTRAP", "1");
        tool::run(&mut rustc)?;
    }
    Ok(sysroot)
}
