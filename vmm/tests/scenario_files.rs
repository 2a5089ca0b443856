//! Which files are taken for scenarios.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use vmm::scenario::{CollectError, SCHEMA_FILE, collect};

#[test]
fn a_folder_gives_its_scenarios_sorted_and_without_the_schema() {
    let temporary = Scratch::new("sorted");
    for name in ["b.json", "a.json", SCHEMA_FILE, "notes.txt", "deeper/c.json"] {
        temporary.write(name);
    }
    let found = collect(&[temporary.path("b.json"), temporary.path("")]).unwrap();
    let expected = ["b.json", "a.json", "deeper/c.json"].map(|name| temporary.path(name));
    assert_eq!(found, expected);
}

#[test]
fn an_empty_folder_and_a_missing_path_are_errors() {
    let temporary = Scratch::new("empty");
    temporary.write("notes.txt");
    assert!(matches!(
        collect(&[temporary.path("")]),
        Err(CollectError::Empty { .. })
    ));
    assert!(matches!(
        collect(&[temporary.path("nowhere")]),
        Err(CollectError::Missing { .. })
    ));
}

#[test]
fn a_link_is_followed_when_it_is_named_and_refused_in_a_folder() {
    let temporary = Scratch::new("links");
    temporary.write("elsewhere/secret");
    temporary.write("folder/a.json");
    let link = temporary.path("folder/b.json");
    symlink(temporary.path("elsewhere/secret"), &link).unwrap();
    let named = std::slice::from_ref(&link);
    assert_eq!(collect(named).unwrap(), named);
    let refused = collect(&[temporary.path("folder")]);
    assert!(
        matches!(&refused, Err(CollectError::Link { path }) if *path == link),
        "{refused:?}"
    );
}

/// A folder of a test's own, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ringside-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() {
            self.0.clone()
        } else {
            self.0.join(name)
        }
    }

    fn write(&self, name: &str) {
        let file = self.path(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "{}").unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}
