//! Images whose files are no files of an image.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::command::{Run, image, vmm};
use crate::tiny_elf::elf;

const HALT: &[u8] = &[0xf4];

/// The command on an image, one of whose files was made anew.
fn with(file: &str, make: impl FnOnce(&Path)) -> Run {
    let image = image(&elf(HALT));
    let path = image.path().join(file);
    fs::remove_file(&path).unwrap();
    make(&path);
    vmm(&[
        "run",
        "--image",
        image.path().to_str().unwrap(),
        "scenarios/demand-zero.json",
    ])
}

#[track_caller]
fn assert_refused(run: &Run, file: &str, why: &str) {
    assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
    assert!(run.stderr.contains(file), "{}", run.stderr);
    assert_eq!(run.stderr.matches(why).count(), 1, "{why}: {}", run.stderr);
}

#[test]
fn links_pipes_and_devices_are_refused_by_name_and_nothing_is_waited_for() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, elf(HALT)).unwrap();
    for file in ["kernel", "initrd"] {
        assert_refused(
            &with(file, |path| symlink(&secret, path).unwrap()),
            file,
            "symbolic link",
        );
        let pipe = |path: &Path| mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_refused(&with(file, pipe), file, "no regular file");
        assert_refused(
            &with(file, |path| symlink("/dev/zero", path).unwrap()),
            file,
            "symbolic link",
        );
    }
}

/// A kernel that halts, in a file of so many bytes: a hole behind it.
fn write_kernel(path: &Path, len_bytes: u64) {
    fs::write(path, elf(HALT)).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(len_bytes).unwrap();
}

#[test]
fn a_kernel_of_many_gigabytes_is_refused_without_being_read() {
    let run = with("kernel", |path| write_kernel(path, 8 << 30));
    assert_refused(&run, "kernel", "8589934592 bytes, expected at most 1073741824");
}

#[test]
fn a_large_kernel_that_is_not_too_large_costs_no_memory() {
    let run = with("kernel", |path| write_kernel(path, 1 << 30));
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(run.stdout.contains("halted"), "{}", run.stdout);
}

#[test]
fn a_kernel_with_endless_parts_is_refused() {
    let (segments_at, note_at) = (64, 64 + 56);
    let field = |at: usize, value: u64| {
        with("kernel", move |path| {
            let mut kernel = elf(HALT);
            kernel[at..at + 8].copy_from_slice(&value.to_le_bytes());
            fs::write(path, kernel).unwrap();
        })
    };
    assert_refused(
        &field(segments_at + 32, 1 << 40),
        "kernel",
        "bytes of segments 1099511627776",
    );
    assert_refused(
        &field(note_at + 32, 1 << 30),
        "kernel",
        "bytes of notes 1073741824",
    );
    let run = with("kernel", |path| {
        let mut kernel = elf(HALT);
        kernel[56..58].copy_from_slice(&u16::MAX.to_le_bytes());
        fs::write(path, kernel).unwrap();
    });
    assert_refused(&run, "kernel", "number of program headers 65535");
}

#[test]
fn an_archive_that_does_not_fit_is_told_with_its_length() {
    let run = with("initrd", |path| {
        File::create(path).unwrap().set_len(8 << 30).unwrap();
    });
    assert_refused(&run, "initrd", "8589934592 bytes");
}
