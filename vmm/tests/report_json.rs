//! Reports as JSON: what is written can be read again.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::path::Path;

use vmm::guest::{Guest, ringside};
use vmm::image::{self, ImageKind};
use vmm::report::{Outcome, Report};
use vmm::scenario::Scenario;

/// Reports with clauses and findings, with connections to a warehouse, and with an exploration.
#[test]
fn a_report_that_was_written_is_read_as_the_same_report() {
    let image = image::ensure(ImageKind::Mutants, &*image::to_stderr()).unwrap();
    let kvm = vmm::vm::open().unwrap();
    for (file, mutant, outcome) in [
        ("cow", "mutant=fork-keeps-parent-writable", Outcome::FailedChecks),
        ("shadowpt/errors", "", Outcome::Passed),
        ("net/vsock-errors", "", Outcome::Passed),
        ("dirtycow-vulnerable", "", Outcome::Passed),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../scenarios/{file}.json"));
        let text = std::fs::read_to_string(path).unwrap();
        let scenario = Scenario::parse(file, &text, &image.programs).unwrap();
        let options = [mutant.to_owned()]
            .into_iter()
            .filter(|option| !option.is_empty());
        let options: Vec<String> = options.collect();
        let guest = Guest::new(ringside::description(), &image, &options).unwrap();
        let report = vmm::run::run(&kvm, &guest, &scenario).unwrap();
        assert_eq!(report.outcome(), outcome, "{file}");
        let written = serde_json::to_string(&report).unwrap();
        let read: Report = serde_json::from_str(&written).unwrap();
        assert_eq!(read, report, "{file}");
    }
}
