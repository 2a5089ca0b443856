//! A shipped scenario.

use std::fs;
use std::path::Path;

use vmm::image::GuestImage;
use vmm::scenario::Scenario;

/// Reads a scenario, which must be sound.
pub(crate) fn read(file: &Path, image: &GuestImage) -> Scenario {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{name}: {error}"));
    Scenario::parse(&name, &text, &image.programs)
        .unwrap_or_else(|errors| panic!("{:?}", miette::Report::new(errors)))
}
