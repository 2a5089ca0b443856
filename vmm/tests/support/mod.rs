//! What the tests of guest programs share.

use std::path::PathBuf;

use vmm::image::{ImageKind, Silent, ensure};

/// Path of a guest program's ELF file.
pub(crate) fn program(name: &str) -> PathBuf {
    let image = ensure(ImageKind::Shipped, &Silent).expect("the guest image can be built");
    image.program_dir.join(name)
}
