//! What the tests of guest programs share.

use std::path::PathBuf;

use vmm::image::{self, GuestImage, ImageKind};

/// Path of a guest program's ELF file.
pub(crate) fn program(name: &str) -> PathBuf {
    shipped()
        .program(name)
        .unwrap_or_else(|| panic!("the image has no program `{name}`"))
}

/// The image.
pub(crate) fn shipped() -> GuestImage {
    image::ensure(ImageKind::Shipped, &*image::to_stderr()).expect("the guest image can be built")
}
