//! Runs that did not pass, with all that is needed to run them again elsewhere, as one file.
//!
//! A bundle is a [`packed`](crate::packed) file: what was run and on what stands in `bundle.json`, the guest's files beside it, and for each run
//! its scenario, its report as JSON and as text, and what the kernel logged. [`write`] makes one, [`Unpacked`] is one that came from
//! anywhere, [`differences`] says what of a report is not as it was.
//!
//! **Invariant:** of a bundle that is read nothing is believed but the bytes of its files: the guest's files are those in it, whatever path
//! its description names.

mod compare;
mod read;
mod write;

use serde::{Deserialize, Serialize};

use crate::guest::Description;
use crate::promise::Promise;
use crate::report::{Judged, Report};

pub use compare::{Difference, differences};
pub use read::{BundleError, Unpacked};
pub use write::write;

/// Version of what is in a bundle: it grows when what was there before changes its meaning or goes away.
const VERSION: u32 = 1;
const MANIFEST: &str = "bundle.json";
const KERNEL: &str = "kernel";
const PROGRAMS: &str = "initrd";

/// A run that goes into a bundle.
#[derive(Clone, Debug)]
pub struct BundledRun {
    /// The scenario's file, as the call named it.
    pub file: String,
    /// The scenario's text.
    pub scenario: String,
    /// What came of it.
    pub report: Report,
}

/// On what runs were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// What was judged.
    pub judged: Judged,
    /// What is known of the kernel.
    pub description: Description,
    /// Names of the programs in the archive.
    pub programs: Vec<String>,
    /// Names of this project's modules in it.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Words for the kernel's command line.
    pub options: Vec<String>,
    /// Reports that make it an error when a rule is not judged without them.
    pub require: Vec<Promise>,
    /// How many times longer than usual the host was allowed to take.
    pub slow: u32,
}

/// What stands in `bundle.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    conditions: Conditions,
    /// The scenarios' files, as the call named them.
    runs: Vec<String>,
}

/// Where the files of a run are.
fn path(run: usize, name: &str) -> String {
    format!("runs/{run}/{name}")
}

const SCENARIO: &str = "scenario.json";
const REPORT: &str = "report.json";
const TEXT: &str = "report.txt";
const LOG: &str = "log.txt";
