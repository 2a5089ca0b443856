//! That the comparison finds a kernel that answers wrongly.

use libtest_mimic::{Failed, Trial};
use vmm::image::ImageKind;
use vmm::linux_reference::Differences;
use vmm::scenario::Scenario;

use super::compare;
use crate::guest;

/// A deliberate fault of the kernel, the step in which it shows, and what is said about that step.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "exit-code-truncated",
        r#"{ "in": "parent", "do": "exec", "program": "exit-status", "args": ["255"], "status": { "exit": 255 } }"#,
        "guest  exited with 15, printed \"exiting with status 255\\n\"\n  linux  exited with 255, printed",
    ),
    (
        "madvise-keeps-contents",
        r#"{ "in": "parent", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw" },
           { "in": "parent", "do": "write", "at": "buf", "text": "kept" },
           { "in": "parent", "do": "madvise", "at": "buf", "pages": 1, "advice": "dontneed" },
           { "in": "parent", "do": "read", "at": "buf", "zeros": 4 }"#,
        "guest  loaded \"kept\"\n  linux  loaded 4 zeros",
    ),
];

pub(crate) fn trials(differences: &'static Differences) -> Vec<Trial> {
    WRONG
        .iter()
        .map(|(mutant, steps, said)| {
            Trial::test(format!("wrong-kernel-{mutant}"), move || {
                is_found(mutant, steps, said, differences)
            })
        })
        .collect()
}

fn is_found(mutant: &str, steps: &str, said: &str, differences: &Differences) -> Result<(), Failed> {
    let image = guest::image(ImageKind::Mutants);
    let text = format!(r#"{{ "name": "wrong", "description": "A wrong kernel.", "steps": [{steps}] }}"#);
    let scenario = Scenario::parse("wrong.json", &text, &image.programs)?;
    compare("wrong", &scenario, image, &[], differences)?;
    match compare(
        "wrong",
        &scenario,
        image,
        &[format!("mutant={mutant}")],
        differences,
    ) {
        Err(failed) if failed.message().is_some_and(|message| message.contains(said)) => Ok(()),
        other => Err(format!("expected {said:?}, found {other:?}").into()),
    }
}
