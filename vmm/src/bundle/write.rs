//! From runs to a bundle.

use std::path::Path;

use super::{
    BundledRun, Conditions, KERNEL, LOG, MANIFEST, Manifest, PROGRAMS, REPORT, SCENARIO, TEXT, VERSION, path,
};
use crate::guest::Guest;
use crate::packed::{PackedError, Packer};
use crate::report::text::{Colour, Detail, log, render};

/// Writes runs on a guest to a bundle.
///
/// # Errors
/// A file of the guest's cannot be read, or the bundle not written.
pub fn write(
    to: &Path,
    guest: &Guest,
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
    packer.add_file(KERNEL, &guest.kernel)?;
    packer.add_file(PROGRAMS, &guest.initrd)?;
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
