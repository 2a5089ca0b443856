//! The example course: seven submissions and twelve scenarios by one call, with the same result every time.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{command, course, root, run};

const HIDDEN: [&str; 2] = ["exit-returns-frames", "stack-growth"];

#[test]
fn it_is_graded_as_it_always_is() {
    let folder = course("");
    let mut submissions: Vec<_> = fs::read_dir(root().join("examples/course/submissions"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    submissions.sort();
    assert_eq!(submissions.len(), 7);
    let mut call = command(&folder);
    call.args(["grade", "--out", "out", "--rubric"])
        .arg(root().join("examples/course/rubric.toml"))
        .args(&submissions);
    let told = run(&mut call);
    assert_eq!(told.status, 1, "{}{}", told.stdout, told.stderr);
    insta::assert_snapshot!("course", told.stdout);

    let out = folder.path().join("out");
    for pages in ["staff", "students"] {
        check_links(&out.join(pages));
    }
    let right = |pages: &str| fs::read_to_string(out.join(pages).join("submissions/right.html")).unwrap();
    let overview = |pages: &str| fs::read_to_string(out.join(pages).join("index.html")).unwrap();
    for hidden in HIDDEN {
        for text in [right("staff"), overview("staff")] {
            assert!(text.contains(hidden));
        }
        for text in [right("students"), overview("students")] {
            assert!(!text.contains(hidden));
        }
    }
    let results = fs::read_to_string(out.join("gradescope/right/results.json")).unwrap();
    let results: Value = serde_json::from_str(&results).unwrap();
    let tests = results["tests"].as_array().unwrap();
    assert_eq!((tests.len(), &results["score"]), (12, &100.into()));
    let hidden = tests
        .iter()
        .filter(|test| test["visibility"] != "visible")
        .count();
    assert_eq!(hidden, HIDDEN.len());
}

/// Each cell of the table leads to a run on a page that there is.
fn check_links(pages: &Path) {
    let overview = fs::read_to_string(pages.join("index.html")).unwrap();
    let links = overview.split("href=\"").skip(1);
    let links = links.map(|rest| rest.split('"').next().unwrap());
    let links: BTreeSet<&str> = links.filter(|link| link.starts_with("submissions/")).collect();
    assert!(links.len() > 7 * 10, "{links:?}");
    for link in links {
        let (page, anchor) = link.split_once('#').unwrap_or((link, "results"));
        let text = fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.contains(&format!("id=\"{anchor}\"")), "{link}");
    }
}
