//! What a submission may be: a folder, an archive or a patch, and nothing that leads out of it.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vmm::grade::{Rubric, Taken, name_of, take};
use zip::write::SimpleFileOptions;

use crate::{ITEM, course, root, write};

const TAKEN: &str = "guest-kernel/src/mm/address_space/cow.rs";
const TEXT: &[u8] = b"// What a student has written.\n";

fn rubric(take: &str) -> (TempDir, Rubric) {
    let course = course(&format!(
        "title = \"T\"\nkind = \"sources\"\ntotal = 10\ntake = [{take}]\n{ITEM}"
    ));
    let rubric = Rubric::read(&course.path().join("rubric.toml")).unwrap();
    (course, rubric)
}

/// What is taken of a file that is made in the folder of a course.
fn taken_of(name: &str, make: impl FnOnce(&Path)) -> Result<Taken, String> {
    let (course, rubric) = rubric(&format!("\"{TAKEN}\""));
    let path = course.path().join(name);
    make(&path);
    take(&path, &rubric).map_err(|error| error.to_string())
}

fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, contents) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        // The archive's own check of paths would refuse those that lead out.
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        archive.append(&header, *contents).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Makes a submission at a path.
type Make<'a> = &'a dyn Fn(&Path);

#[test]
fn every_kind_of_archive_gives_the_files_that_the_rubric_takes() {
    let entries = [(TAKEN, TEXT), ("notes.txt", &b"..."[..])];
    let gz = |path: &Path| {
        let mut encoder =
            flate2::write::GzEncoder::new(File::create(path).unwrap(), flate2::Compression::fast());
        encoder.write_all(&tar(&entries)).unwrap();
        encoder.finish().unwrap();
    };
    let zst = |path: &Path| {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        let packed = ruzstd::encoding::compress_to_vec(&tar(&entries)[..], level);
        fs::write(path, packed).unwrap();
    };
    let zip = |path: &Path| {
        let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
        for (path, contents) in entries {
            archive.start_file(path, SimpleFileOptions::default()).unwrap();
            archive.write_all(contents).unwrap();
        }
        archive.finish().unwrap();
    };
    let folder = |path: &Path| {
        for (file, contents) in entries {
            write(&path.join(file), contents);
        }
    };
    let makes: [(&str, Make<'_>); 6] = [
        ("ada", &folder),
        ("ada.tar", &|path| fs::write(path, tar(&entries)).unwrap()),
        ("ada.tar.gz", &gz),
        ("ada.tgz", &gz),
        ("ada.tar.zst", &zst),
        ("ada.zip", &zip),
    ];
    for (name, make) in makes {
        let taken = taken_of(name, |path| {
            make(path);
            assert_eq!(name_of(path).as_str(), "ada");
        });
        let taken = taken.unwrap_or_else(|error| panic!("{name}: {error}"));
        let [file] = &taken.files[..] else {
            panic!("{name}: {taken:?}")
        };
        assert_eq!(
            (file.path.as_path(), &file.contents[..]),
            (Path::new(TAKEN), TEXT),
            "{name}"
        );
        assert_eq!(taken.left, [PathBuf::from("notes.txt")], "{name}");
    }
}

#[test]
fn everything_may_be_in_one_folder_more() {
    let inner = format!("./assignment-3/{TAKEN}");
    let taken = taken_of("a.tar", |path| fs::write(path, tar(&[(&inner, TEXT)])).unwrap()).unwrap();
    assert_eq!(taken.files[0].path, Path::new(TAKEN));
    let both = tar(&[(TAKEN, TEXT), (&inner[2..], TEXT)]);
    let refused = taken_of("a.tar", |path| fs::write(path, both).unwrap()).unwrap_err();
    assert!(refused.contains("two files"), "{refused}");
}

#[test]
fn what_leads_out_of_a_submission_is_refused() {
    for outside in [
        "../guest-kernel/src/mm/address_space/cow.rs",
        "/etc/passwd",
        "a/../../b",
    ] {
        let archive = tar(&[(TAKEN, TEXT), (outside, TEXT)]);
        let refused = taken_of("a.tar", |path| fs::write(path, archive).unwrap()).unwrap_err();
        assert!(refused.contains("leads out"), "{outside}: {refused}");
    }
    let linked = taken_of("a.tar", |path| {
        let mut archive = tar::Builder::new(File::create(path).unwrap());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        archive.append_link(&mut header, TAKEN, "/etc/passwd").unwrap();
        archive.finish().unwrap();
    });
    assert!(
        linked
            .as_ref()
            .is_err_and(|told| told.contains("no regular file")),
        "{linked:?}"
    );
    let folder = taken_of("folder", |path| {
        fs::create_dir_all(path.join(TAKEN).parent().unwrap()).unwrap();
        symlink("/etc/passwd", path.join(TAKEN)).unwrap();
    });
    assert!(
        folder.as_ref().is_err_and(|told| told.contains("symbolic link")),
        "{folder:?}"
    );
}

#[test]
fn what_is_too_large_or_broken_is_refused() {
    let long = vec![b'/'; 5 << 20];
    let refused = taken_of("a.tar", |path| fs::write(path, tar(&[(TAKEN, &long)])).unwrap()).unwrap_err();
    assert!(refused.contains("expected at most"), "{refused}");
    let names: Vec<String> = (0..10_001).map(|number| format!("f{number}")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let refused = taken_of("a.tar", |path| fs::write(path, tar(&many)).unwrap()).unwrap_err();
    assert!(refused.contains("too large"), "{refused}");
    for (name, contents) in [
        ("a.tar.gz", "no gzip"),
        ("a.zip", "no zip"),
        ("a.tar.zst", "no zstd"),
    ] {
        let refused = taken_of(name, |path| fs::write(path, contents).unwrap()).unwrap_err();
        assert!(refused.contains("archive cannot be read"), "{name}: {refused}");
    }
    let refused = taken_of("a.rs", |path| fs::write(path, TEXT).unwrap()).unwrap_err();
    assert!(refused.contains("archive (.tar"), "{refused}");
    let refused = taken_of("empty.tar", |path| fs::write(path, tar(&[])).unwrap()).unwrap_err();
    assert!(refused.contains("nothing of it"), "{refused}");
}

#[test]
fn a_patch_changes_the_courses_own_file() {
    let own = fs::read_to_string(root().join(TAKEN)).unwrap();
    let mine = own.replacen("//! Copy-on-write", "//! My copy-on-write", 1);
    let plain = diffy::create_patch(&own, &mine).to_string();
    let plain = plain
        .replace("--- original", &format!("--- a/{TAKEN}"))
        .replace("+++ modified", &format!("+++ b/{TAKEN}"));
    let of_git = format!("diff --git a/{TAKEN} b/{TAKEN}\nindex 111..222 100644\n{plain}");
    for patch in [&plain, &of_git] {
        let taken = taken_of("ada.patch", |path| {
            fs::write(path, patch).unwrap();
            assert_eq!(name_of(path).as_str(), "ada");
        });
        let taken = taken.unwrap_or_else(|error| panic!("{error}\n{patch}"));
        assert_eq!(String::from_utf8_lossy(&taken.files[0].contents), mine);
    }
    let elsewhere = plain.replace(TAKEN, "guest-kernel/src/panic.rs");
    let refused = taken_of("a.patch", |path| fs::write(path, elsewhere).unwrap()).unwrap_err();
    assert!(refused.contains("nothing of it"), "{refused}");
    let unfit = plain.replace("Copy-on-write", "Nothing like it");
    let refused = taken_of("a.patch", |path| fs::write(path, unfit).unwrap()).unwrap_err();
    assert!(refused.contains("does not fit"), "{refused}");
}

#[test]
fn manifests_and_build_scripts_are_taken_only_by_name() {
    let (_course, by_folder) = rubric("\"guest-kernel/\", \"guest-modules/mine/\"");
    for path in [
        "guest-kernel/src/build.rs",
        "guest-kernel/link.ld",
        "guest-modules/mine/src/lib.rs",
    ] {
        assert!(by_folder.takes(Path::new(path)), "{path}");
    }
    for path in [
        "guest-kernel/build.rs",
        "guest-kernel/Cargo.toml",
        "guest-kernel/.cargo/config.toml",
        "guest-modules/mine/Cargo.toml",
        "guest-modules/mine/build.rs",
        "guest-kernel",
        "guest-kernel2/src/a.rs",
    ] {
        assert!(!by_folder.takes(Path::new(path)), "{path}");
    }
    let (_course, by_name) = rubric("\"guest-kernel/build.rs\"");
    assert!(by_name.takes(Path::new("guest-kernel/build.rs")));
}
