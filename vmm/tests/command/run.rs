//! `vmm run`: verdicts, and scenarios and images that cannot be used.

use std::fs;

use crate::{COW, DEMAND_ZERO, FAIL, MUTANT, MUTANTS, PASS, Run, SHIPPED, UNUSABLE, folder_with, vmm};

#[test]
fn a_scenario_is_told_step_by_step_and_ends_in_its_verdict() {
    let run = vmm(&["--image", &SHIPPED, "scenarios/cow.json"]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    assert!(
        run.stdout.starts_with("judging ringside: kernel "),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("\n\ncow\n  Fork shares"), "{}", run.stdout);
    assert!(run.stdout.contains("\n   6  ok    "), "{}", run.stdout);
    assert!(run.stdout.ends_with(", 0 findings\n"), "{}", run.stdout);
}

#[test]
fn a_folder_gives_a_line_a_scenario_and_a_total() {
    let folder = folder_with(&[
        ("cow.json", COW.as_str()),
        ("demand-zero.json", DEMAND_ZERO.as_str()),
    ]);
    let run = vmm(&["run", "--image", &SHIPPED, folder.path().to_str().unwrap()]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    let starts = [
        "judging ringside: kernel ",
        "PASS cow: ",
        "PASS demand-zero: ",
        "2 scenarios: 2 passed, 0 failed, 0 broken",
    ];
    let lines: Vec<&str> = run.stdout.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), starts.len(), "{}", run.stdout);
    assert!(
        std::iter::zip(&lines, starts).all(|(line, start)| line.starts_with(start)),
        "{lines:#?}"
    );
}

#[test]
fn what_a_kernel_offers_beyond_its_description_can_be_said_and_nothing_else() {
    let folder = folder_with(&[
        (
            "mine.toml",
            "name = 'mine'\npromises = ['ends', 'faults']\noffers = []",
        ),
        (
            "options.json",
            r#"{ "name": "options", "description": "An option of the kernel's.", "guest": { "options": { "some": "word" } },
                "steps": [ { "in": "parent", "do": "fork", "as": "child" } ] }"#,
        ),
    ]);
    let [guest, scenario] = ["mine.toml", "options.json"].map(|name| folder.path().join(name));
    let [guest, scenario] = [&guest, &scenario].map(|path| path.to_str().unwrap());
    let run = |offers: &[&str]| {
        let plain = ["run", "--image", &SHIPPED, "--guest", guest];
        vmm(&[&plain[..], offers, &[scenario]].concat())
    };
    let refused = run(&[]);
    assert!(
        refused.stdout.contains("this guest does not offer it (options)"),
        "{}",
        refused.stdout
    );
    let told = run(&["--offers", "options"]);
    assert!(!told.stdout.contains("refused before boot"), "{}", told.stdout);
    let wrong = run(&["--offers", "wings"]);
    assert_eq!(wrong.status, UNUSABLE);
    assert!(
        wrong
            .stderr
            .contains("`wings` is nothing that a kernel can offer; there are swap,"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn a_program_can_be_added_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("added.json");
    let text = r#"{ "name": "added", "description": "A program that the user adds.",
        "steps": [ { "in": "parent", "do": "exec", "program": "bin/again", "args": ["7"], "status": { "exit": 7 } } ] }"#;
    fs::write(&scenario, text).unwrap();
    let scenario = scenario.to_str().unwrap();
    let added = format!("{}/programs/exit-status", *SHIPPED);
    let run = vmm(&["run", "--image", &SHIPPED, scenario]);
    assert_eq!(run.status, UNUSABLE, "{}", run.stdout);
    let run = vmm(&[
        "run",
        "--image",
        &SHIPPED,
        "--add",
        &format!("{added}:bin/again"),
        scenario,
    ]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""), "{}", run.stdout);
    let run = vmm(&[
        "run",
        "--image",
        &SHIPPED,
        "--add",
        &format!("{added}:agent"),
        scenario,
    ]);
    assert_eq!(run.status, UNUSABLE);
    let expected = "the guest has a file `agent` already; choose another path, as in --add PATH:GUEST_PATH";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
    let run = vmm(&[
        "run",
        "--guest",
        "../examples/kernel/guest.toml",
        "--add",
        &added,
        scenario,
    ]);
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (UNUSABLE, ""),
        "{}",
        run.stderr
    );
}

#[test]
fn scenarios_of_one_name_are_told_apart_by_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["first", "second"].map(|name| folder.path().join(name).join("cow.json"));
    for file in &files {
        fs::create_dir(file.parent().unwrap()).unwrap();
        fs::write(file, COW.as_str()).unwrap();
    }
    let run = vmm(&["run", "--image", &SHIPPED, folder.path().to_str().unwrap()]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    for file in &files {
        let line = format!("PASS cow ({}): ", file.display());
        assert!(run.stdout.contains(&line), "{line} in {}", run.stdout);
    }
}

#[test]
fn contents_can_be_drawn_and_the_report_keeps_those_of_the_file() {
    let told = |run: &Run| {
        run.stdout
            .replace("  contents and places drawn by --vary 7\n\n", "")
    };
    let [plain, drawn] = [&["--vary", "7"][2..], &["--vary", "7"][..]].map(|options| {
        let run = vmm(&[options, &["--image", &SHIPPED, "scenarios/cow.json"]].concat());
        assert_eq!(run.status, PASS, "{}", run.stdout);
        run
    });
    assert_ne!(plain.stdout, drawn.stdout);
    assert_eq!(plain.stdout, told(&drawn));

    let wrong = ["--option", "mutant=cow-copies-wrong-frame", "--image", &MUTANTS];
    let scenario = "scenarios/mprotect-then-fault.json";
    let [plain, drawn] =
        [vec![], vec!["--vary", "7"]].map(|options| vmm(&[options, wrong.to_vec(), vec![scenario]].concat()));
    assert_eq!((plain.status, drawn.status), (FAIL, FAIL));
    assert_ne!(plain.stdout, told(&drawn), "the bytes that were found");
}

#[test]
fn scenarios_of_every_kind_pass_with_drawn_contents() {
    let names = "brk-growth cow-generations exec execve fork-copy mprotect-then-fault orphans pagemap shared-across-fork \
                 stack-growth swap shadowpt/cow shadowpt/page-contents";
    let files = names
        .split_whitespace()
        .map(|name| format!("scenarios/{name}.json"));
    let files: Vec<String> = files.collect();
    for seed in ["1", "2"] {
        let mut arguments = vec!["run", "--image", &SHIPPED, "--vary", seed];
        arguments.extend(files.iter().map(String::as_str));
        let run = vmm(&arguments);
        assert_eq!(run.status, PASS, "{}", run.stdout);
    }
}

#[test]
fn verbose_shows_the_steps_of_several_scenarios_and_quiet_not_even_those_of_one() {
    let folder = folder_with(&[
        ("cow.json", COW.as_str()),
        ("demand-zero.json", DEMAND_ZERO.as_str()),
    ]);
    let verbose = vmm(&["--image", &SHIPPED, "--verbose", folder.path().to_str().unwrap()]);
    assert!(verbose.stdout.contains("power off"), "{}", verbose.stdout);
    let quiet = vmm(&["--image", &SHIPPED, "--quiet", "scenarios/cow.json"]);
    assert_eq!(quiet.stdout.lines().count(), 1, "{}", quiet.stdout);
}

#[test]
fn a_guest_that_fails_is_told_in_text_and_by_status_1() {
    let run = vmm(&["--image", &MUTANTS, "--option", MUTANT, "scenarios/cow.json"]);
    assert_eq!((run.status, run.stderr.as_str()), (FAIL, ""));
    assert!(run.stdout.contains("\nFAIL cow: "), "{}", run.stdout);
    assert!(run.stdout.contains("rule      "), "{}", run.stdout);
}

#[test]
fn nothing_is_started_when_one_of_several_scenarios_is_unusable() {
    let folder = folder_with(&[
        ("cow.json", COW.as_str()),
        ("wrong.json", r#"{ "name": "wrong" }"#),
    ]);
    let run = vmm(&["--image", &SHIPPED, folder.path().to_str().unwrap()]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert!(run.stderr.contains("wrong.json"), "{}", run.stderr);
}

#[test]
fn an_empty_folder_is_named() {
    let folder = folder_with(&[]);
    let run = vmm(&["--image", &SHIPPED, folder.path().to_str().unwrap()]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert!(run.stderr.contains("holds no scenario"), "{}", run.stderr);
}

#[test]
fn a_missing_path_is_named() {
    let run = vmm(&["--image", &SHIPPED, "scenarios/nowhere.json"]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert!(run.stderr.contains("nowhere.json"), "{}", run.stderr);
}

#[test]
fn an_image_that_is_none_is_named() {
    let folder = folder_with(&[]);
    let run = vmm(&["--image", folder.path().to_str().unwrap(), "scenarios/cow.json"]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert!(run.stderr.contains("kernel"), "{}", run.stderr);
}
