//! The example course: seven submissions and twelve scenarios by one call, with the same result every time.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::{command, course, kept, root, run};

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
    let (judged, graded): (Vec<&str>, Vec<&str>) = told
        .stdout
        .lines()
        .partition(|line| line.starts_with("  judging "));
    insta::assert_snapshot!("course", graded.join("\n"));
    // One does not build.
    assert_eq!(judged.len(), 6, "{judged:#?}");
    for (submission, line) in ["copies-always", "endless"].iter().zip(&judged) {
        let kernel = format!("  judging ringside: kernel builds/{submission}/");
        assert!(line.starts_with(&kernel), "{line}");
        assert!(line.contains("course/rubric.toml (sha256 "), "{line}");
    }

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
    let again = check_commands(&folder, &right("students"));
    assert!(right("staff").contains(&again), "{again}");
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

/// What failed fails in the same way by the command that its page names, and students are told what they can call. Gives the command of the
/// right submission.
fn check_commands(course: &TempDir, students_page: &str) -> String {
    let origin = |submission: &str, scenario: &str| {
        let grade = kept(course, submission);
        let mut scenarios = grade["scenarios"].as_array().unwrap().iter();
        let graded = scenarios.find(|graded| graded["scenario"] == scenario).unwrap();
        graded["report"]["origin"]["command"].as_str().unwrap().to_owned()
    };
    let failed = origin("copies-always", "last-owner");
    let words = shlex::split(&failed).unwrap();
    assert_eq!(&words[..2], ["vmm", "run"], "{failed}");
    let again = run(command(course).args(&words[1..]));
    assert_eq!(again.status, 1, "{}{}", again.stdout, again.stderr);
    assert!(
        again.stdout.contains("expected  still frame A"),
        "{}",
        again.stdout
    );
    // What met a limit of the rubric's does so by a grading alone.
    let endless = origin("endless", "cow");
    assert!(endless.starts_with("vmm grade --rubric "), "{endless}");
    let theirs = "with the rubric and the scenarios of the starter in it: <code>vmm grade --rubric rubric.toml .</code>";
    assert!(students_page.contains(theirs), "{students_page}");
    let right = origin("right", "cow");
    assert!(!students_page.contains(&right), "{right}");
    right
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
