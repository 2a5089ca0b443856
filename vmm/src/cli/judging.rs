//! What a call judges, found out while its first guest runs: files are hashed, and KVM is tried.

use std::cell::LazyCell;
use std::thread;

use vmm::guest::Description;
use vmm::image::GuestImage;
use vmm::platform::{Choice, KvmKind};
use vmm::printable::{self, Printable};
use vmm::report::Judged;

use super::status::{HasStatus, Status};
use super::{Shown, show_causes};

/// What is judged, or why it cannot be told.
type Found = Result<Judged, (Status, Vec<Printable>)>;

/// What a call judges; whoever asks first waits until it is known.
pub(super) struct Judging(LazyCell<Found, Box<dyn FnOnce() -> Found>>);

impl Judging {
    /// Begins to find it out.
    pub(super) fn begin(
        choice: Choice,
        description: Description,
        image: GuestImage,
        options: Vec<String>,
    ) -> Self {
        let thread = thread::spawn(move || {
            let kind = match choice {
                Choice::Kvm(kvm) => KvmKind::of(&kvm).map_err(|error| refused(&error))?,
                Choice::Emulated(_) => KvmKind::KvmEmulated,
            };
            Judged::of(&description, &image, &options, kind).map_err(|error| refused(&error))
        });
        let found = move || thread.join().expect("nothing in it panics");
        Judging(LazyCell::new(Box::new(found)))
    }

    /// What it is.
    pub(super) fn get(&self) -> Result<&Judged, Shown> {
        let found = &*self.0;
        let told = |(status, causes): &(Status, Vec<Printable>)| show_causes(*status, causes);
        found.as_ref().map_err(told)
    }
}

fn refused(error: &impl HasStatus) -> (Status, Vec<Printable>) {
    (error.status(), printable::causes(error))
}
