//! The shipped guest, and a run of it.

use vmm::image::{self, GuestImage, ImageKind};
use vmm::report::Report;
use vmm::run::Guest;
use vmm::scenario::Scenario;

/// The shipped image, built once if need be.
pub(crate) fn image() -> GuestImage {
    image::ensure(ImageKind::Shipped, &*image::to_stderr()).expect("the guest image can be built")
}

/// Runs a scenario on an image.
pub(crate) fn run(image: &GuestImage, scenario: &Scenario) -> Report {
    let kvm = vmm::vm::open().expect("KVM can be used");
    let guest = Guest {
        kernel: &image.kernel,
        initrd: &image.initrd,
        options: &[],
    };
    vmm::run::run(&kvm, &guest, scenario).expect("the host can run a guest")
}
