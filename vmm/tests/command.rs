//! The command as its users meet it: a process with arguments, two streams and an exit status.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use nix::pty::openpty;
use serde_json::Value;
use vmm::image::{self, ImageKind};

const PASS: i32 = 0;
const FAIL: i32 = 1;
const UNUSABLE: i32 = 2;

static SHIPPED: LazyLock<String> = LazyLock::new(|| image_dir(ImageKind::Shipped));
static MUTANTS: LazyLock<String> = LazyLock::new(|| image_dir(ImageKind::Mutants));

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
fn json_holds_verdict_reports_and_findings() {
    let run = vmm(&[
        "--image",
        &MUTANTS,
        "--format",
        "json",
        "--option",
        MUTANT,
        "scenarios/cow.json",
    ]);
    assert_eq!(run.status, FAIL);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["verdict"], "fail");
    let report = &document["reports"][0];
    assert_eq!(
        (&report["scenario"], &report["verdict"]),
        (&"cow".into(), &"fail".into())
    );
    let lines = report["lines"].as_array().unwrap();
    let findings: Vec<&Value> = lines
        .iter()
        .flat_map(|line| line["findings"].as_array().unwrap())
        .collect();
    assert!(!findings.is_empty());
    for finding in findings {
        for key in ["rule", "place", "expected", "found"] {
            assert!(finding[key].is_string(), "{key} of {finding}");
        }
    }
}

#[test]
fn json_of_a_passing_run_has_no_finding_and_tells_what_it_cost() {
    let run = vmm(&["--image", &SHIPPED, "--format", "json", "scenarios/cow.json"]);
    assert_eq!(run.status, PASS);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["verdict"], "pass");
    let report = &document["reports"][0];
    let lines = report["lines"].as_array().unwrap();
    assert!(
        lines
            .iter()
            .all(|line| line["findings"].as_array().unwrap().is_empty())
    );
    let cost = |key: &str| report["cost"][key].as_u64().unwrap();
    assert!(0 < cost("boot_exits") && cost("boot_exits") < cost("exits"));
    assert!(0 < cost("boot_microseconds") && cost("boot_microseconds") < cost("wall_microseconds"));
}

#[test]
fn states_are_drawn_when_they_are_asked_for_and_nobody_is_left_out() {
    let run = vmm(&["run", "--image", &SHIPPED, "--states", "scenarios/orphans.json"]);
    let diagram = &run.stdout[run.stdout.find("stateDiagram-v2\n").unwrap()..];
    insta::assert_snapshot!("states_of_orphans", diagram);
    let count = |text: &str| diagram.matches(text).count();
    assert_eq!(
        (count("{"), count("[*] -->")),
        (5, 5),
        "init, and four processes of the scenario"
    );
    assert_eq!(count("{"), count("}"));
    let run = vmm(&["run", "--image", &SHIPPED, "scenarios/orphans.json"]);
    assert!(!run.stdout.contains("stateDiagram"), "{}", run.stdout);
}

#[test]
fn states_with_a_real_clock_are_the_same_in_every_run_and_say_what_is_not_drawn() {
    let run = || {
        vmm(&[
            "run",
            "--image",
            &SHIPPED,
            "--states",
            "scenarios/sse-preempted.json",
        ])
        .stdout
    };
    let first = run();
    assert!(first.contains("%% The clock is real"), "{first}");
    assert_eq!(run(), first);
}

#[test]
fn the_kernels_log_says_what_the_disk_did_when_it_is_asked_for() {
    let run = vmm(&[
        "run",
        "--image",
        &SHIPPED,
        "--log",
        "scenarios/swap-read-error.json",
    ]);
    let told = run.stdout.lines().filter(|line| line.starts_with("  kernel: "));
    let told: Vec<&str> = told.collect();
    assert!(
        told.iter().any(|line| line.contains("disk: cannot read page")),
        "{told:?}"
    );
    assert!(
        told.iter().any(|line| line.contains("ends: its page")),
        "{told:?}"
    );
}

#[test]
fn json_has_the_states_when_they_are_asked_for() {
    let arguments = [
        "run",
        "--image",
        &SHIPPED,
        "--format",
        "json",
        "scenarios/cow.json",
    ];
    let report = |run: &Run| serde_json::from_str::<Value>(&run.stdout).unwrap()["reports"][0].clone();
    assert_eq!(report(&vmm(&arguments)).get("states"), None);
    let states = report(&vmm(&[&arguments[..], &["--states"]].concat()))["states"].clone();
    assert!(
        states.as_str().unwrap().starts_with("stateDiagram-v2\n"),
        "{states}"
    );
}

#[test]
fn the_schedule_that_breaks_a_rule_can_be_written_and_run() {
    let folder = folder_with(&[]);
    let replay = folder.path().join("race.json");
    let replay = replay.to_str().unwrap();
    let explored = "scenarios/dirtycow-vulnerable.json";
    let run = vmm(&["run", "--image", &SHIPPED, "--replay", replay, explored]);
    assert_eq!((run.status, run.stderr), (PASS, format!("wrote {replay}\n")));
    let run = vmm(&["--image", &SHIPPED, replay]);
    assert_eq!(run.status, FAIL, "{}", run.stdout);
    assert!(run.stdout.contains("file secret+0p"), "{}", run.stdout);
}

#[test]
fn nothing_is_written_when_no_schedule_breaks_a_rule() {
    let folder = folder_with(&[]);
    let replay = folder.path().join("race.json");
    let run = vmm(&[
        "run",
        "--image",
        &SHIPPED,
        "--replay",
        replay.to_str().unwrap(),
        "scenarios/dirtycow-fixed.json",
    ]);
    assert_eq!(run.status, PASS);
    assert!(run.stderr.starts_with("no schedule to write"), "{}", run.stderr);
    assert!(!replay.exists());
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

#[test]
fn without_arguments_there_is_help_and_status_2() {
    let run = vmm(&[]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert!(run.stderr.contains("Usage: vmm"), "{}", run.stderr);
    let run = vmm(&["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert!(run.stderr.contains("no scenario given"), "{}", run.stderr);
}

#[test]
fn help_has_examples_and_the_exit_statuses() {
    let run = vmm(&["--help"]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    assert!(run.stdout.contains("vmm scenarios/cow.json "), "{}", run.stdout);
    assert!(
        run.stdout.contains("Exit status:\n  0  everything passed\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn an_unknown_option_is_status_2() {
    let run = vmm(&["--verbsoe", "scenarios/cow.json"]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert!(run.stderr.contains("--verbose"), "{}", run.stderr);
}

#[test]
fn list_names_scenarios_with_what_they_show() {
    let run = vmm(&["list"]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    assert!(
        run.stdout.contains("scenarios/cow.json\n    Fork shares"),
        "{}",
        run.stdout
    );
}

#[test]
fn list_tells_what_is_no_scenario_and_lists_the_rest() {
    let folder = folder_with(&[("cow.json", COW.as_str()), ("wrong.json", "{}")]);
    let run = vmm(&["list", folder.path().to_str().unwrap()]);
    assert_eq!(run.status, UNUSABLE);
    assert!(run.stdout.contains("cow.json\n"), "{}", run.stdout);
    assert!(run.stderr.contains("wrong.json"), "{}", run.stderr);
}

#[test]
fn schema_prints_the_schema_that_lies_beside_the_scenarios() {
    let run = vmm(&["schema"]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    assert_eq!(
        run.stdout,
        fs::read_to_string(root().join("scenarios/schema.json")).unwrap()
    );
}

#[test]
fn a_terminal_gets_colours_unless_the_user_refuses_them() {
    let refused = on_terminal(|command| command.env("NO_COLOR", "1"));
    assert!(
        refused.contains("PASS cow") && !refused.contains('\x1b'),
        "{refused:?}"
    );
    let welcome = on_terminal(|command| command.env_remove("NO_COLOR"));
    assert!(welcome.contains("\x1b[32mPASS\x1b[0m cow"), "{welcome:?}");
}

#[test]
fn a_reader_that_goes_away_changes_no_verdict() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command(&["--image", &SHIPPED, "scenarios/cow.json"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(PASS));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

const MUTANT: &str = "mutant=fork-keeps-parent-writable";
static COW: LazyLock<String> = LazyLock::new(|| scenario("cow"));
static DEMAND_ZERO: LazyLock<String> = LazyLock::new(|| scenario("demand-zero"));

struct Run {
    status: i32,
    stdout: String,
    stderr: String,
}

fn vmm(arguments: &[&str]) -> Run {
    let output = command(arguments).output().unwrap();
    Run {
        status: output.status.code().expect("no signal ends it"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    command
}

/// What a run of cow.json prints on a terminal.
fn on_terminal(adapt: impl FnOnce(&mut Command) -> &mut Command) -> String {
    let terminal = openpty(None, None).unwrap();
    let mut command = command(&["--image", &SHIPPED, "--quiet", "scenarios/cow.json"]);
    let mut child = adapt(&mut command).stdout(terminal.slave).spawn().unwrap();
    // The terminal ends when its last writer is gone, and the command holds one.
    drop(command);
    let mut printed = Vec::new();
    // A terminal without writers reads as an error, not as an end.
    let _ = File::from(terminal.master).read_to_end(&mut printed);
    assert!(child.wait().unwrap().success());
    String::from_utf8(printed).unwrap()
}

fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn scenario(name: &str) -> String {
    fs::read_to_string(root().join("scenarios").join(name).with_extension("json")).unwrap()
}

fn image_dir(kind: ImageKind) -> String {
    let image = image::ensure(kind, &*image::to_stderr()).unwrap();
    image.kernel.parent().unwrap().to_str().unwrap().to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
