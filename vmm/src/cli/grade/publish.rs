//! The files that `--out` keeps of grades: for programs, for staff, for students, and for Gradescope.

use std::fs;
use std::path::Path;

use vmm::grade::{Grade, Grades, Moment};
use vmm::journal::{Entry, tell_submission};
use vmm::printable;
use vmm::report::text::{Colour, Detail, KernelLog};
use vmm::report::{Format, Style, course_page, reader, submission_page};

use super::super::{Shown, Status};

/// Pages with everything.
const STAFF: &str = "staff";
/// Pages with what students may see.
const STUDENTS: &str = "students";
/// A folder for each submission, with its `results.json`.
const GRADESCOPE: &str = "gradescope";

/// Writes all of them into the folder `out`.
pub(in super::super) fn publish(out: &Path, grades: &Grades, students_look: Moment) -> Result<(), Shown> {
    let text = serde_json::to_string_pretty(grades).expect("a grade has no maps with keys of other types");
    write(&out.join(Grades::FILE), &printable::json(&text))?;
    let all: Vec<Grade> = grades.grades.iter().map(|placed| placed.grade.clone()).collect();
    let seen: Vec<Grade> = all
        .iter()
        .map(|grade| grade.as_students_see_it(students_look))
        .collect();
    for (folder, grades_in_it) in [(STAFF, &all), (STUDENTS, &seen)] {
        let folder = out.join(folder);
        // What an earlier call wrote may be of scenarios that nobody may see any more.
        let _ = fs::remove_dir_all(&folder);
        write(
            &folder.join("index.html"),
            &course_page(&grades.title, grades_in_it),
        )?;
        for grade in grades_in_it {
            let page = folder.join(submission_page(&grade.submission));
            write(&page, &told(Format::Html, grade)?)?;
        }
    }
    for grade in &all {
        let results = out
            .join(GRADESCOPE)
            .join(grade.submission.as_str())
            .join("results.json");
        write(&results, &told(Format::Gradescope, grade)?)?;
    }
    Ok(())
}

/// What a form tells of one submission.
fn told(format: Format, grade: &Grade) -> Result<String, Shown> {
    let style = Style {
        colour: Colour::Plain,
        detail: Detail::Verdict,
        log: KernelLog::Untold,
    };
    let mut text = Vec::new();
    let mut reader = reader(format, style, &mut text);
    let told = reader
        .read(Entry::Began { expected: 1 })
        .and_then(|()| tell_submission(grade, &mut *reader))
        .and_then(|()| reader.read(Entry::Ended { interrupted: false }));
    drop(reader);
    told.map_err(|error| super::super::show_as(Status::CouldNotTell, &error))?;
    Ok(String::from_utf8(text).expect("a report is text"))
}

fn write(file: &Path, text: &str) -> Result<(), Shown> {
    let folder = file.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, text))
        .map_err(|error| {
            eprintln!("error: cannot write {}: {error}", file.display());
            Shown(Status::CouldNotTell)
        })
}
