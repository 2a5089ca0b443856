//! The page for browsers of a long run is no longer than what a browser opens at once.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use vmm::image::{self, ImageKind};

const STEPS: usize = 500;
const MAX_BYTES: usize = 3_000_000;

#[test]
fn the_page_of_five_hundred_steps_shows_each_of_them_in_less_than_three_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, page) = (folder.path().join("long.json"), folder.path().join("page.html"));
    fs::write(&scenario, long().to_string()).unwrap();
    let image = image::ensure(ImageKind::Shipped, &*image::to_stderr()).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_vmm"))
        .arg("--report")
        .arg(format!("html={}", page.display()))
        .arg("--image")
        .arg(image.kernel.parent().unwrap())
        .arg(&scenario)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    assert_eq!(
        run.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&run.stdout)
    );
    let page = fs::read_to_string(page).unwrap();
    assert!(page.len() < MAX_BYTES, "{} bytes", page.len());
    // What the harness does before and after has steps of its own.
    assert_eq!(page.matches("<article ").count(), STEPS + 3);
    assert!(page.matches("<figure").count() > 100, "memory is pictured");
}

/// Rounds in which a process writes, forks, and waits for a child that writes too.
fn long() -> Value {
    let mut steps = vec![json!({ "in": "parent", "do": "mmap", "as": "buf", "pages": 16, "prot": "rw" })];
    for round in 0.. {
        let child = format!("child-{round}");
        let address = |process: &str, page: usize| format!("{process}:buf+{page}p");
        for page in 0..8 {
            let text = format!("round {round} page {page}");
            steps.push(json!({ "in": "parent", "do": "write", "at": format!("buf+{page}p"), "text": text }));
        }
        steps.push(json!({ "in": "parent", "do": "fork", "as": child }));
        steps.push(json!({ "check": "shared", "expect": [
            { "same_frame": [address("parent", 0), address(&child, 0)] } ] }));
        for page in 0..4 {
            steps.push(json!({ "in": child, "do": "write", "at": format!("buf+{page}p"), "text": "MINE" }));
        }
        steps.push(json!({ "check": "copied", "expect": [
            { "different_frames": [address("parent", 0), address(&child, 0)] } ] }));
        steps.push(json!({ "in": child, "do": "exit", "status": 0 }));
        steps.push(json!({ "in": "parent", "do": "wait", "for": child, "status": { "exit": 0 } }));
        if steps.len() >= STEPS {
            break;
        }
    }
    steps.truncate(STEPS);
    json!({ "name": "long", "description": "Five hundred steps.", "budget": { "seconds": 120 }, "steps": steps })
}
