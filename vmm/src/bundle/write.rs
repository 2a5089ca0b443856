//! From runs to a bundle.

use std::path::Path;

use super::{
    BundledRun, Conditions, KERNEL, LOG, MANIFEST, Manifest, PROGRAMS, REPORT, SCENARIO, TEXT, VERSION, path,
};
use crate::image::GuestImage;
use crate::packed::{PackedError, Packer};
use crate::report::text::{Colour, Detail, log, render};

/// Writes runs on a guest of this image to a bundle.
///
/// # Errors
/// A file of the guest's cannot be read, or the bundle not written.
pub fn write(
    to: &Path,
    image: &GuestImage,
    conditions: &Conditions,
    runs: &[BundledRun],
) -> Result<(), PackedError> {
    let manifest = Manifest {
        version: VERSION,
        conditions: conditions.clone(),
        runs: runs.iter().map(|run| run.file.clone()).collect(),
    };
    let mut packer = Packer::default();
    packer.add(MANIFEST, &json(&manifest));
    let (kernel, programs) = conditions.description.files(image);
    packer.add_file(KERNEL, kernel)?;
    packer.add_file(PROGRAMS, programs)?;
    for (number, run) in runs.iter().enumerate() {
        let text = render(&run.report, Colour::Plain, Detail::Full);
        packer.add(&path(number, SCENARIO), run.scenario.as_bytes());
        packer.add(&path(number, REPORT), &json(&run.report));
        packer.add(&path(number, TEXT), text.as_bytes());
        packer.add(&path(number, LOG), log(&run.report).trim_start().as_bytes());
    }
    packer.write(to)
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("neither has maps with keys of other types")
}
