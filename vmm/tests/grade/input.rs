//! What is refused before anything is built.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use vmm::grade::Rubric;

use crate::{ITEM, Run, command, course, run};

/// What every rubric of sources here begins with.
const HEAD: &str = "title = \"T\"\nkind = \"sources\"\ntotal = 10\ntake = [\"guest-kernel/src/\"]\n";

#[test]
fn what_is_wrong_with_a_rubric_is_told_with_its_place() {
    let taking = |taken: &str| HEAD.replace("guest-kernel/src/", taken);
    let rubrics = [
        format!("{HEAD}{}", ITEM.replace("10", "9")),
        format!("{HEAD}{}", ITEM.replace("cow", "nowhere")),
        format!("{}{ITEM}", taking("guest-kernel/../vmm/")),
        format!("{}{ITEM}", taking("vmm/src/")),
        format!("{}{ITEM}", HEAD.replace("take = [\"guest-kernel/src/\"]\n", "")),
        HEAD.to_owned(),
        format!("{HEAD}{ITEM}clauses = [\"NO-1\"]\n"),
        format!("{HEAD}{}", ITEM.replace("checks", "clauses")),
        format!("{HEAD}{}", ITEM.replace("checks", "halves")),
        format!("{HEAD}wrong = 1\n{ITEM}"),
        "title = ".to_owned(),
        // Weights.
        format!("{HEAD}{}", ITEM.replace("points = 10\n", "")),
        format!("{HEAD}{ITEM}weight = 2\n"),
        format!("{HEAD}{}", ITEM.replace("points = 10", "weight = 0")),
        format!("{HEAD}{ITEM}weights = {{ \"no such check\" = 2, \"reading copies nothing\" = 0 }}\n"),
        format!(
            "{HEAD}{}weights = {{ \"reading copies nothing\" = 2 }}\n",
            ITEM.replace("checks", "steps")
        ),
        // The same scenario twice.
        format!("{HEAD}{ITEM}{ITEM}"),
        // Reports and limits.
        format!("{HEAD}require = [\"everything\"]\n{ITEM}"),
        format!(
            "{HEAD}[limits]\nbuild_seconds = 0\nbuild_memory_mib = 1\nrun_seconds = 601\nrun_exits = 0\n{ITEM}"
        ),
        format!("{HEAD}[limits]\nrun_minutes = 1\n{ITEM}"),
        format!("{HEAD}vary = [\"seed\"]\n{ITEM}"),
        // What the starter leaves out.
        format!("{HEAD}[[left-out]]\nfile = \"guest-user/src/a.rs\"\nfunction = \"a\"\nbody = \"\"\n{ITEM}"),
        format!(
            "{HEAD}[[left-out]]\nfile = \"guest-kernel/src/a.rs\"\nfunction = \"a\"\nbody = \"}} {{\"\n{ITEM}"
        ),
    ];
    let mut told = String::new();
    for rubric in rubrics {
        let course = course(&rubric);
        let run = run(command(&course).args(["grade", "--rubric", "rubric.toml", "submission"]));
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (2, ""),
            "{rubric}\n{}",
            run.stderr
        );
        let _ = writeln!(told, "{}", run.stderr);
    }
    insta::assert_snapshot!("rubrics", told);
}

#[test]
fn a_rubric_may_be_a_link_and_the_scenarios_that_it_names_may_not() {
    let course = course(&format!("{HEAD}{ITEM}"));
    let path = |name: &str| course.path().join(name);
    fs::rename(path("rubric.toml"), path("rubric-3.toml")).unwrap();
    symlink("rubric-3.toml", path("rubric.toml")).unwrap();
    let read = || Rubric::read(&path("rubric.toml")).map_err(|error| format!("{error:?}"));
    assert_eq!(read().map(|rubric| rubric.items.len()), Ok(1));
    fs::rename(path("cow.json"), path("secret")).unwrap();
    symlink("secret", path("cow.json")).unwrap();
    let refused = read().unwrap_err();
    assert!(
        refused.contains("cow.json: it is a symbolic link: expected the file itself"),
        "{refused}"
    );
}

#[test]
fn what_is_wrong_with_a_call_is_told() {
    let image = format!("title = \"T\"\nkind = \"image\"\ntotal = 10\n{ITEM}");
    let course = course(&image);
    let file = |name: &str, text: &str| fs::write(course.path().join(name), text).unwrap();
    file("sources.toml", &format!("{HEAD}{ITEM}"));
    file("missing.txt", "# Nothing but this:\nnowhere\n");
    file("empty.txt", "# None yet.\n\n");
    file("submission.tar", "");
    let calls = [
        &["--rubric", "nowhere.toml", "submission"][..],
        &["--rubric", "rubric.toml"],
        &["--rubric", "rubric.toml", "nowhere"],
        &["--rubric", "rubric.toml", "submission", "./submission/"],
        &["--rubric", "rubric.toml", "submission", "submission.tar"],
        &["--rubric", "rubric.toml", "@nowhere.txt"],
        &["--rubric", "rubric.toml", "@missing.txt"],
        &["--rubric", "rubric.toml", "@empty.txt"],
        &[
            "--rubric",
            "rubric.toml",
            "--format",
            "gradescope",
            "submission",
            ".",
        ],
        &["--rubric", "rubric.toml", "--report", "junit", "submission"],
        &[
            "--rubric",
            "rubric.toml",
            "--report",
            "junit=nowhere/x.xml",
            "submission",
        ],
        &["--rubric", "rubric.toml", "--students-see", "never", "submission"],
        &[
            "--rubric",
            "rubric.toml",
            "--shard",
            "3/2",
            "--out",
            "out",
            "submission",
        ],
        &["--rubric", "rubric.toml", "--shard", "1/2", "submission"],
        &["--rubric", "rubric.toml", "--resume", "submission"],
        &["--rubric", "rubric.toml", "--starter", "new", "submission"],
        &["--rubric", "rubric.toml", "--starter", "new"],
        &["--rubric", "sources.toml", "--starter", "submission"],
    ];
    let mut told = String::new();
    for arguments in calls {
        let run = run(command(&course).arg("grade").args(arguments));
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (2, ""),
            "{arguments:?}\n{}",
            run.stderr
        );
        let _ = writeln!(told, "$ vmm grade {}\n{}", arguments.join(" "), run.stderr);
    }
    insta::assert_snapshot!("calls", told);
}

#[test]
fn parts_that_are_none_of_one_call_are_not_put_together() {
    let course = course("");
    let grade = |name: &str| {
        format!(
            "{{ \"place\": 0, \"submission\": \"{name}\", \"build\": {{ \"build\": \"done\" }}, \"scenarios\": [], \"points\": 0, \
             \"most_points\": 0 }}"
        )
    };
    for (folder, title, grades) in [
        ("one", "T", grade("a")),
        ("other", "U", grade("a")),
        ("twice", "T", grade("b")),
    ] {
        let text = format!("{{ \"title\": \"{title}\", \"expected\": 2, \"grades\": [{grades}] }}");
        crate::write(&course.path().join(folder).join("grades.json"), text);
    }
    crate::write(&course.path().join("torn/grades.json"), "{ \"title\": ");
    fs::create_dir(course.path().join("none")).unwrap();
    let mut told = String::new();
    for folders in [
        &["one", "other"][..],
        &["one", "twice"],
        &["one", "torn"],
        &["one", "none"],
        &["one", "nowhere"],
        &["none", "--out", "out"],
    ] {
        let run = run(command(&course).arg("merge").args(folders));
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (2, ""),
            "{folders:?}\n{}",
            run.stderr
        );
        let _ = writeln!(told, "$ vmm merge {}\n{}", folders.join(" "), run.stderr);
    }
    insta::assert_snapshot!("merges", told);
}

#[test]
fn without_a_sandbox_nothing_is_built() {
    let course = course(&format!("{HEAD}{ITEM}"));
    // The toolchain is in sight, and neither bubblewrap nor what could fetch it is.
    let tools = tempfile::tempdir().unwrap();
    for tool in ["rustc", "cargo", "cc"] {
        let found = Command::new("sh")
            .args(["-c", &format!("command -v {tool}")])
            .output()
            .unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        symlink(found.trim(), tools.path().join(tool)).unwrap();
    }
    let cache = tempfile::tempdir().unwrap();
    let mut command = command(&course);
    command
        .args(["grade", "--rubric", "rubric.toml", "submission"])
        .env("PATH", tools.path())
        .env("RINGSIDE_CACHE", cache.path());
    let Run {
        status,
        stdout,
        stderr,
    } = run(&mut command);
    assert_eq!((status, stdout.as_str()), (4, ""), "{stderr}");
    assert!(stderr.contains("apt install bubblewrap"), "{stderr}");
}
