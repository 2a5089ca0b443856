//! Reports in every format, of scenarios that pass and of kernels that fail: each held against a parser or a schema that others wrote or
//! that is made from the types.
//!
//! - `programs`: formats that programs read
//! - `people`: formats that people read, and the memory that they show

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

mod people;
mod programs;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use vmm::guest::{Guest, Record, ringside};
use vmm::image::{self, ImageKind};
use vmm::report::{Format, Origin, Report, Verdict, written};
use vmm::scenario::Scenario;

/// A kernel that passes with clauses, one whose fork keeps a page writable, one that panics, connections, and an exploration.
static REPORTS: LazyLock<Vec<Report>> = LazyLock::new(|| {
    let image = image::ensure(ImageKind::Mutants, &*image::to_stderr()).unwrap();
    let kvm = vmm::vm::open().unwrap();
    let runs = [
        ("shadowpt/errors", ""),
        ("cow", "mutant=fork-keeps-parent-writable"),
        ("cow", "init=nothing"),
        ("net/vsock-errors", ""),
        ("dirtycow-vulnerable", ""),
    ];
    let reports = runs.map(|(file, option)| {
        let path = Path::new("scenarios").join(file).with_extension("json");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = fs::read_to_string(root.join(&path)).unwrap();
        let scenario = Scenario::parse(file, &text, &image.programs).unwrap();
        let options: Vec<String> = Some(option.to_owned())
            .into_iter()
            .filter(|option| !option.is_empty())
            .collect();
        let guest = Guest::new(ringside::description(), &image, &options)
            .unwrap()
            .recording(Record::MEMORY);
        let mut report = vmm::run::run(&kvm, &guest, &scenario).unwrap();
        let path = path.display().to_string();
        let words = ["vmm".to_owned(), "run".to_owned(), path.clone()];
        report.origin = Some(Origin::new(&path, &words, &scenario));
        report
    });
    reports.to_vec()
});

fn told(format: Format, reports: &[Report]) -> String {
    written(format, reports).unwrap()
}

#[test]
fn the_runs_are_of_all_kinds() {
    let verdicts: Vec<Verdict> = REPORTS.iter().map(|report| report.verdict).collect();
    use Verdict::{Fail, Pass};
    assert_eq!(verdicts, [Pass, Fail, Fail, Pass, Pass]);
}

#[test]
fn every_format_is_the_same_bytes_each_time() {
    for format in Format::ALL {
        assert_eq!(told(*format, &REPORTS), told(*format, &REPORTS), "{format}");
    }
}
