//! A guest image, and a run of it.

use vmm::guest::{Guest, Record, ringside};
use vmm::image::{self, GuestImage, ImageKind};
use vmm::report::Report;
use vmm::scenario::Scenario;

/// The image of that kind, built once if need be. Tests that are made from a list share it to the end of the process.
pub(crate) fn image(kind: ImageKind) -> &'static GuestImage {
    let image = image::ensure(kind, &*image::to_stderr());
    Box::leak(Box::new(image.expect("the guest image can be built")))
}

/// Runs a scenario on an image; the options are words for the kernel's command line.
pub(crate) fn run(image: &GuestImage, scenario: &Scenario, options: &[String]) -> Report {
    let kvm = vmm::vm::open().expect("KVM can be used");
    let guest = Guest::new(ringside::description(), image, options)
        .expect("the image has an archive")
        .recording(Record::CLAIMS);
    vmm::run::run(&kvm, &guest, scenario).expect("the host can run a guest")
}
