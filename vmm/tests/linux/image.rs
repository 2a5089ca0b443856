//! What the tests of guest programs share.

use std::path::PathBuf;

use vmm::image::{self, ImageKind};

/// Path of a guest program's ELF file.
pub(crate) fn program(name: &str) -> PathBuf {
    let image =
        image::ensure(ImageKind::Shipped, &*image::to_stderr()).expect("the guest image can be built");
    image
        .program(name)
        .unwrap_or_else(|| panic!("the image has no program `{name}`"))
}
