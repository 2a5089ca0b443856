//! Ready kernels, and what is told of them: each form, the pages, and parts that are put together.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;
use vmm::image::{self, GuestImage, ImageKind};
use vmm::regular_file::Links;
use vmm::results::sha256;

use crate::{ITEM, command, course, grade, kept, run};

/// Kernels with deliberate faults, of which each commits the one that an option names.
static MUTANTS: LazyLock<GuestImage> =
    LazyLock::new(|| image::ensure(ImageKind::Mutants, &*image::to_stderr()).unwrap());

const MUTANT: &str = "options = [\"mutant=cow-copies-wrong-frame\"]\n";

/// A rubric of ready kernels.
fn rubric(keys: &str) -> String {
    format!("title = \"T\"\nkind = \"kernel-file\"\ntotal = 10\n{keys}{ITEM}")
}

/// A course with a kernel, a file that is none, and a link that leads to a kernel.
fn kernels(rubric: &str) -> TempDir {
    let course = course(rubric);
    fs::copy(&MUTANTS.kernel, course.path().join("kernel")).unwrap();
    let forged = "PASS cow: 22 steps, 55 expectations, 0 findings\n";
    fs::write(course.path().join("text"), forged).unwrap();
    symlink(&MUTANTS.kernel, course.path().join("link")).unwrap();
    course
}

#[test]
fn each_is_graded_by_what_it_does() {
    let good = kernels(&rubric(""));
    let run = grade(&good, &["kernel", "text", "link"]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    for (submission, outcome, points) in [
        ("kernel", "passed", 10),
        ("text", "refuses-to-boot", 0),
        ("link", "does-not-build", 0),
    ] {
        let grade = kept(&good, submission);
        assert_eq!(grade["scenarios"][0]["outcome"], outcome, "{}", run.stdout);
        assert_eq!(grade["points"], points, "{}", run.stdout);
    }
    let ends = [
        "\n3 submissions graded\n",
        "out/staff/index.html",
        "out/students/submissions/text.html",
    ];
    assert!(run.stdout.ends_with(ends[0]), "{}", run.stdout);
    for file in &ends[1..] {
        assert!(good.path().join(file).is_file(), "{file}");
    }
}

#[test]
fn an_image_with_a_link_in_the_place_of_its_kernel_is_refused_and_the_others_are_graded() {
    let course = course(&rubric("").replace("kernel-file", "image"));
    let image = MUTANTS.kernel.parent().unwrap();
    for name in ["right", "linked"] {
        let copied = Command::new("cp")
            .arg("-r")
            .args([image, &course.path().join(name)])
            .status();
        assert!(copied.unwrap().success());
    }
    let kernel = course.path().join("linked/kernel");
    fs::remove_file(&kernel).unwrap();
    symlink(&MUTANTS.kernel, kernel).unwrap();
    let run = grade(&course, &["right", "linked"]);
    assert_eq!(run.status, 3, "{}{}", run.stdout, run.stderr);
    for (submission, outcome) in [("right", "passed"), ("linked", "does-not-build")] {
        let grade = kept(&course, submission);
        assert_eq!(grade["scenarios"][0]["outcome"], outcome, "{}", run.stdout);
    }
    assert!(run.stdout.contains("symbolic link"), "{}", run.stdout);
}

#[test]
fn a_failing_kernel_gets_a_share_by_what_the_rubric_counts() {
    let points = |keys: &str, item: &str| {
        let text = rubric(&format!("{MUTANT}{keys}")).replace(ITEM, item);
        let course = kernels(&text);
        let run = grade(&course, &["kernel"]);
        assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
        let grade = kept(&course, "kernel");
        assert_eq!(grade["scenarios"][0]["outcome"], "failed-checks");
        grade["points"].as_f64().unwrap()
    };
    let by_checks = points("", ITEM);
    assert!(0.0 < by_checks && by_checks < 10.0, "{by_checks}");
    let by_steps = points("", &ITEM.replace("checks", "steps"));
    assert!(0.0 < by_steps && by_steps < 10.0, "{by_steps}");
    // One check that passes counts as much as all others together.
    let heavy = points(
        "",
        &format!("{ITEM}weights = {{ \"reading copies nothing\" = 1000 }}\n"),
    );
    assert!(by_checks < heavy && heavy < 10.0, "{by_checks} < {heavy}");
    assert_eq!(points("", &ITEM.replace("partial = \"checks\"\n", "")), 0.0);
    // One scenario by weight has the whole total.
    let by_weight = points("", &ITEM.replace("points = 10", "weight = 3"));
    assert_eq!(by_weight, by_checks);
}

#[test]
fn seeds_limits_and_required_reports_hold_for_each_run() {
    let varied = kernels(&rubric("vary = [1, 2, 3]\n"));
    let run = grade(&varied, &["kernel"]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    let runs = fs::read_dir(varied.path().join("out/results")).unwrap().count();
    assert_eq!(runs, 3, "one for each seed");
    assert!(kept(&varied, "kernel")["scenarios"][0]["report"]["seed"].is_u64());

    let limited = kernels(&rubric("[limits]\nrun_exits = 20\n"));
    let run = grade(&limited, &["kernel"]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("budget of 20 exits"), "{}", run.stdout);

    let required = kernels(&rubric("require = [\"all\"]\n"));
    let run = grade(&required, &["kernel"]);
    assert_eq!(
        run.status, 0,
        "this kernel promises every report: {}{}",
        run.stdout, run.stderr
    );
}

#[test]
fn grades_are_told_in_every_form() {
    let course = kernels(&rubric(""));
    let mut call = command(&course);
    call.args([
        "grade",
        "--rubric",
        "rubric.toml",
        "--format",
        "json",
        "kernel",
        "text",
    ]);
    for (format, file) in [
        ("junit", "x.xml"),
        ("ktap", "x.ktap"),
        ("github", "x.github"),
        ("markdown", "x.md"),
        ("html", "x.html"),
        ("jsonl", "x.jsonl"),
        ("text", "x.txt"),
    ] {
        call.arg(format!("--report={format}={file}"));
    }
    let told = run(&mut call);
    assert_eq!(told.status, 1, "{}{}", told.stdout, told.stderr);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(document["grades"][0]["points"], 10);
    for (file, part) in [
        ("x.xml", "kernel"),
        ("x.ktap", "10 of 10 points"),
        ("x.github", "text"),
        ("x.md", "kernel"),
        ("x.html", "<svg"),
        ("x.jsonl", "submission-ended"),
        ("x.txt", "  10 / 10     in total"),
    ] {
        let text = fs::read_to_string(course.path().join(file)).unwrap();
        assert!(text.contains(part), "{part} in {file}: {text}");
    }
    let one = run(command(&course).args([
        "grade",
        "--rubric",
        "rubric.toml",
        "--format",
        "gradescope",
        "kernel",
    ]));
    let results: Value = serde_json::from_str(&one.stdout).unwrap();
    assert_eq!((&results["score"], one.status), (&10.into(), 0));
}

#[test]
fn parts_that_are_graded_apart_are_told_as_one() {
    let course = kernels(&rubric(""));
    for name in ["a", "b", "c"] {
        fs::copy(&MUTANTS.kernel, course.path().join(name)).unwrap();
    }
    fs::write(course.path().join("list.txt"), "a\nb\n# The last one.\nc\n").unwrap();
    let whole = grade(&course, &["@list.txt"]);
    assert_eq!(whole.status, 0, "{}{}", whole.stdout, whole.stderr);
    for part in ["1", "2"] {
        let told = run(command(&course).args([
            "grade",
            "--rubric",
            "rubric.toml",
            "--shard",
            &format!("{part}/2"),
            "--out",
            &format!("part-{part}"),
            "@list.txt",
        ]));
        assert_eq!(told.status, 0, "{}{}", told.stdout, told.stderr);
    }
    let merged = run(command(&course).args(["merge", "part-1", "part-2", "--out", "merged"]));
    assert_eq!(
        (merged.status, &merged.stdout),
        (0, &whole.stdout),
        "{}",
        merged.stderr
    );
    let page =
        |folder: &str| fs::read_to_string(course.path().join(folder).join("staff/index.html")).unwrap();
    assert_eq!(page("merged"), page("out"));

    let part = run(command(&course).args(["merge", "part-2"]));
    assert_eq!(part.status, 4, "{}", part.stdout);
    assert!(
        part.stderr.contains("2 of 3 submissions are in none"),
        "{}",
        part.stderr
    );
}

#[test]
fn what_was_judged_is_named_and_students_do_not_see_where_it_was() {
    let course = kernels(&rubric("options = [\"mutant=fork-keeps-parent-writable\"]\n"));
    let kernel = course.path().join("kernel").display().to_string();
    let run = grade(&course, &[&kernel]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    let report = &kept(&course, "kernel")["scenarios"][0]["report"];
    let judged = &report["judged"];
    assert_eq!(judged["kernel"]["file"], kernel);
    let hash = sha256(&MUTANTS.kernel, Links::Refused).unwrap();
    assert_eq!(judged["kernel"]["sha256"], hash);
    assert_eq!(judged["options"][0], "mutant=fork-keeps-parent-writable");
    assert_eq!(judged["rubric"]["file"], "rubric.toml");
    let rubric = sha256(&course.path().join("rubric.toml"), Links::Refused).unwrap();
    assert_eq!(judged["rubric"]["sha256"], rubric);
    let page = |folder: &str| {
        let page = course
            .path()
            .join("out")
            .join(folder)
            .join("submissions/kernel.html");
        fs::read_to_string(page).unwrap()
    };
    for folder in ["staff", "students"] {
        let text = page(folder);
        assert!(text.contains(&hash) && text.contains(&rubric), "{folder}: {text}");
    }
    assert!(page("staff").contains(&kernel));
    // Whoever has the kernel and the scenario has the run; students may not have the scenario.
    let option = "mutant=fork-keeps-parent-writable";
    let again = report["origin"]["command"].as_str().unwrap();
    assert_eq!(
        shlex::split(again).unwrap(),
        ["vmm", "run", "cow.json", "--kernel", &kernel, "--option", option]
    );
    assert!(page("staff").contains("Run it again: <code>vmm run cow.json --kernel "));
    assert!(!page("students").contains("Run it again"));
    let folder = course.path().display().to_string();
    assert!(!page("students").contains(&folder), "{}", page("students"));
}
