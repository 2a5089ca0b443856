//! Sources are built, in a sandbox: of the kernel, of a module, and of programs.

use std::fs::{self, File};

use crate::{command, course, grade, kept, root, run, write};

/// Programs and a module that the course does not have, in an archive; the module's own manifest and build script are not wanted.
#[test]
fn a_new_module_and_new_programs_are_built_and_run() {
    let course = course(
        "title = \"T\"\nkind = \"sources\"\ntotal = 3\n\
         take = [\"guest-modules/mine/\", \"guest-user/src/bin/mine.rs\", \"guest-user/c/libc/mine-c.c\"]\n\
         [[scenario]]\nfile = \"mine.json\"\npoints = 3\npartial = \"steps\"\n",
    );
    let scenario = r#"{ "name": "mine", "description": "What students have written is there.", "steps": [
        { "in": "parent", "do": "exec", "program": "insmod", "args": ["mine.ko"], "reports": ["protection"], "output": "" },
        { "in": "parent", "do": "exec", "program": "rmmod", "args": ["mine"], "output": "" },
        { "in": "parent", "do": "exec", "program": "mine", "output": "mine\n" },
        { "in": "parent", "do": "exec", "program": "mine-c", "output": "mine, in C\n" } ] }"#;
    write(&course.path().join("mine.json"), scenario);
    let module = fs::read_to_string(root().join("guest-modules/hello/src/lib.rs")).unwrap();
    let program = "//! Mine.\n#![no_std]\n#![no_main]\nuse guest_user::{Arguments, println, program};\nprogram!(main);\n\
                   fn main(_: Arguments) -> i32 {\n    println!(\"mine\");\n    0\n}\n";
    let in_c = "#include <stdio.h>\nint main(void) { puts(\"mine, in C\"); return 0; }\n";
    let files = [
        (
            "guest-modules/mine/src/lib.rs",
            module.replace("\"hello\"", "\"mine\""),
        ),
        (
            "guest-modules/mine/Cargo.toml",
            "[package]\nname = \"evil\"\n".to_owned(),
        ),
        (
            "guest-modules/mine/build.rs",
            "fn main() { panic!(\"not wanted\") }\n".to_owned(),
        ),
        ("guest-user/src/bin/mine.rs", program.to_owned()),
        ("guest-user/c/libc/mine-c.c", in_c.to_owned()),
    ];
    let mut archive = tar::Builder::new(File::create(course.path().join("ada.tar")).unwrap());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    archive.finish().unwrap();
    let run = grade(&course, &["ada.tar"]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(kept(&course, "ada")["points"], 3);
    for left in ["guest-modules/mine/Cargo.toml", "guest-modules/mine/build.rs"] {
        assert!(
            run.stderr.contains(&format!("ada: {left} is not taken")),
            "{}",
            run.stderr
        );
    }
}

/// The starter of the example course: it builds, and has the points of a kernel in which nobody may store to a shared page.
#[test]
fn what_students_begin_with_has_no_solution_and_builds() {
    let course = course("");
    let rubric = root().join("examples/course/rubric.toml");
    let starter = course.path().join("starter");
    let told = run(command(&course)
        .args(["grade", "--rubric"])
        .arg(&rubric)
        .arg("--starter")
        .arg(&starter));
    assert_eq!(told.status, 0, "{}{}", told.stdout, told.stderr);
    let cow = fs::read_to_string(starter.join("guest-kernel/src/mm/address_space/cow.rs")).unwrap();
    insta::assert_snapshot!("starter_cow", cow);
    let readme = fs::read_to_string(starter.join("README.md")).unwrap();
    insta::assert_snapshot!("starter_readme", readme);
    let names = |folder: &str| {
        let entries = fs::read_dir(starter.join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    assert_eq!(
        names(""),
        ["README.md", "guest-kernel", "rubric.toml", "scenarios"]
    );
    let seen = names("scenarios");
    assert!(seen.contains(&"cow.json".to_owned()), "{seen:?}");
    for hidden in ["stack-growth.json", "exit-returns-frames.json"] {
        assert!(!seen.contains(&hidden.to_owned()), "{seen:?}");
    }

    // As pages for students say, with the limits of the assignment.
    let limits = fs::read_to_string(starter.join("rubric.toml")).unwrap();
    assert!(limits.contains("run_seconds = 1\n"), "{limits}");
    let graded = run(command(&course).current_dir(&starter).args([
        "grade",
        "--rubric",
        "rubric.toml",
        "--out",
        "../out",
        ".",
    ]));
    assert_eq!(graded.status, 1, "{}{}", graded.stdout, graded.stderr);
    let grade = kept(&course, "starter");
    assert_eq!(grade["build"]["build"], "done", "{}", graded.stdout);
    assert_eq!(grade["most_points"], 85);
    let points = grade["points"].as_f64().unwrap();
    assert!(0.0 < points && points < 85.0, "{points}");
}
