//! The image is built from workspaces that hold the least that can be built.

mod c_programs;
mod modules;

use std::fs;
use std::sync::Mutex;

use tempfile::TempDir;

use super::*;

/// A workspace with the least that can be built, and a cache of its own. Only the sysroot is the real cache's: making
/// one takes as long as a hundred of these tests.
struct Fixture {
    places: Places,
    _dir: TempDir,
}

/// Keeps what it is told.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

const PROGRAM: &str = "#![no_std]
#![no_main]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! { loop {} }
#[unsafe(no_mangle)]
extern \"C\" fn _start() -> ! { loop {} }
";

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (workspace, cache) = (dir.path().join("workspace"), dir.path().join("cache"));
        fs::create_dir_all(&cache).unwrap();
        let real = Places::find().unwrap();
        sysroot::ensure(&lock::hold(&real, &Silent).unwrap(), &Silent).unwrap();
        std::os::unix::fs::symlink(real.sysroots(), cache.join("sysroots")).unwrap();

        let fixture = Self {
            places: Places {
                workspace,
                cache,
                sandbox: None,
            },
            _dir: dir,
        };
        fixture.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"abi\", \"guest-kernel\", \"guest-user\"]\n",
        );
        fixture.write(
            "rust-toolchain.toml",
            include_str!("../../../../rust-toolchain.toml"),
        );
        let mut locked = String::from("version = 4\n");
        for package in ["abi", "guest-kernel", "guest-user"] {
            let header = format!("[package]\nname = \"{package}\"\nversion = \"0.0.0\"\n");
            fixture.write(
                &format!("{package}/Cargo.toml"),
                &format!("{header}edition = \"2024\"\n[features]\nmutants = []\n"),
            );
            locked += &format!("\n[{}", header.replacen(']', "]]", 1));
        }
        fixture.write("Cargo.lock", &locked);
        fs::create_dir(fixture.places.workspace.join("guest-modules")).unwrap();
        fixture.write("abi/src/lib.rs", "#![no_std]");
        fixture.write("guest-kernel/src/main.rs", PROGRAM);
        fixture.write("guest-user/src/bin/agent.rs", PROGRAM);
        fixture.write("guest-user/src/bin/cow.rs", PROGRAM);
        fixture
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.places.workspace.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn ensure(&self) -> Result<GuestImage, ImageError> {
        ensure_in(&self.places, ImageKind::Shipped, &Silent)
    }
}

impl Progress for Recorder {
    fn step(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
    fn finish(&self) {
        self.step("finished");
    }
}

#[test]
fn an_image_directory_without_an_initrd_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(KERNEL), "").unwrap();
    let error = GuestImage::at(dir.path()).unwrap_err();
    assert!(
        matches!(error, ImageError::Incomplete { missing: INITRD, .. }),
        "{error}"
    );
}

#[test]
fn programs_of_an_image_directory_are_listed_in_order_of_their_names() {
    let dir = tempfile::tempdir().unwrap();
    for file in [KERNEL, INITRD] {
        fs::write(dir.path().join(file), "").unwrap();
    }
    fs::create_dir(dir.path().join(PROGRAMS)).unwrap();
    for program in ["zebra", "agent"] {
        fs::write(dir.path().join(PROGRAMS).join(program), "").unwrap();
    }
    let image = GuestImage::at(dir.path()).unwrap();
    assert_eq!(image.programs, ["agent", "zebra"]);
    assert_eq!(image.program("agent"), Some(dir.path().join("programs/agent")));
    assert_eq!(image.program("missing"), None);
}

#[test]
fn the_first_run_builds_all_programs_and_the_second_only_finds_them() {
    let fixture = Fixture::new();
    let first = fixture.ensure().unwrap();
    assert_eq!(first.programs, ["agent", "cow"]);
    assert!(fs::read(&first.kernel).unwrap().starts_with(b"\x7fELF"));
    assert!(
        fs::read(first.program("cow").unwrap())
            .unwrap()
            .starts_with(b"\x7fELF")
    );
    assert!(fs::read(&first.initrd).unwrap().starts_with(b"070701"));
    assert!(!fixture.places.work().exists());

    let progress = Recorder::default();
    let second = ensure_in(&fixture.places, ImageKind::Shipped, &progress).unwrap();
    assert_eq!(second, first);
    assert_eq!(*progress.0.lock().unwrap(), [""; 0]);
}

#[test]
fn a_changed_source_gives_another_image_and_the_old_source_the_old_one_again() {
    let fixture = Fixture::new();
    let before = fixture.ensure().unwrap();
    fixture.write("guest-user/src/bin/hello.rs", PROGRAM);
    let with_hello = fixture.ensure().unwrap();
    assert_eq!(with_hello.programs, ["agent", "cow", "hello"]);
    fs::remove_file(fixture.places.workspace.join("guest-user/src/bin/hello.rs")).unwrap();
    assert_eq!(fixture.ensure().unwrap(), before);
}

#[test]
fn a_checkout_that_is_moved_with_its_cache_builds_on() {
    let mut fixture = Fixture::new();
    fixture.write(
        "guest-user/build.rs",
        include_str!("../../../../guest-user/build.rs"),
    );
    fixture.write(
        "guest-user/link.ld",
        include_str!("../../../../guest-user/link.ld"),
    );
    fixture.ensure().unwrap();
    let moved = fixture.places.workspace.with_file_name("moved");
    fs::rename(&fixture.places.workspace, &moved).unwrap();
    fixture.places.workspace = moved;
    fixture.write("guest-user/src/bin/cow.rs", &format!("{PROGRAM}// changed"));
    assert_eq!(fixture.ensure().unwrap().programs, ["agent", "cow"]);
}

#[test]
fn the_mutants_kernel_and_no_other_is_built_with_the_feature() {
    let fixture = Fixture::new();
    let guard = "#[cfg(feature = \"mutants\")] compile_error!(\"deliberate\");\n";
    fixture.write("guest-kernel/src/main.rs", &format!("{PROGRAM}{guard}"));
    fixture.ensure().unwrap();
    let error = ensure_in(&fixture.places, ImageKind::Mutants, &Silent).unwrap_err();
    assert!(error.to_string().contains("deliberate"), "{error}");
}

#[test]
fn a_compiler_error_is_shown_as_the_compiler_said_it_and_no_image_is_left() {
    let fixture = Fixture::new();
    fixture.write("guest-user/src/bin/cow.rs", "fn main() { undefined_name }");
    let progress = Recorder::default();
    let error = ensure_in(&fixture.places, ImageKind::Shipped, &progress).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(
            error,
            ImageError::Compile {
                ref package,
                ..
            } if package == "guest-user"
        ),
        "{text}"
    );
    assert!(
        text.contains("undefined_name") && text.contains("guest-user/src/bin/cow.rs:1"),
        "{text}"
    );
    assert!(!fixture.places.images().exists());
    assert_eq!(
        progress.0.lock().unwrap().last().map(String::as_str),
        Some("finished")
    );
}

#[test]
fn a_workspace_without_programs_has_no_image() {
    let fixture = Fixture::new();
    fs::remove_dir_all(fixture.places.workspace.join("guest-user/src/bin")).unwrap();
    fixture.write("guest-user/src/lib.rs", "#![no_std]");
    let error = fixture.ensure().unwrap_err();
    assert!(
        matches!(
            error,
            ImageError::NoBinary {
                package: "guest-user",
                wanted: None
            }
        ),
        "{error}"
    );
}

#[test]
fn what_a_killed_build_left_and_what_someone_deleted_is_made_good() {
    let fixture = Fixture::new();
    let image = fixture.ensure().unwrap();
    fs::remove_file(&image.initrd).unwrap();
    fs::create_dir_all(fixture.places.work().join("image/programs")).unwrap();
    fs::write(fixture.places.work().join("image/kernel"), "half").unwrap();
    assert_eq!(fixture.ensure().unwrap(), image);
    assert!(image.initrd.is_file());
    assert!(!fixture.places.work().exists());
}

#[test]
fn a_second_builder_says_that_it_waits_and_goes_on_when_the_first_has_finished() {
    let fixture = Fixture::new();
    let first = lock::hold(&fixture.places, &Silent).unwrap();
    let progress = Recorder::default();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| drop(lock::hold(&fixture.places, &progress).unwrap()));
        while progress.0.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        assert!(!second.is_finished());
        drop(first);
    });
    let said = progress.0.lock().unwrap();
    assert!(said[0].starts_with("waiting for another process"), "{said:?}");
}

#[test]
fn only_the_newest_images_of_a_kind_are_kept() {
    let fixture = Fixture::new();
    for number in 0..6 {
        fixture.write(
            "abi/src/lib.rs",
            &format!("#![no_std]\npub const NUMBER: u32 = {number};"),
        );
        assert!(fixture.ensure().unwrap().kernel.is_file());
    }
    assert_eq!(fs::read_dir(fixture.places.images()).unwrap().count(), 4);
}

#[test]
fn a_missing_core_library_is_explained_with_all_that_was_tried_and_what_to_install() {
    let path = PathBuf::from("/toolchain/lib");
    let attempts = vec![
        Attempt {
            way: "target of the toolchain".to_owned(),
            reason: Obstacle::NotInstalled { path },
        },
        Attempt {
            way: "Debian package rust-src in sid at http://one.example/debian".to_owned(),
            reason: Obstacle::NoVersion {
                package: "rust-src",
                found: vec!["1.94.0-1".to_owned()],
                wanted: "1.95.0".to_owned(),
            },
        },
    ];
    let text = ImageError::NoCore(NoCore {
        release: "1.95.0".to_owned(),
        attempts,
    })
    .to_string();
    for part in [
        "not installed: /toolchain/lib",
        "has rust-src in 1.94.0-1, not 1.95.0",
        "rustup target add x86_64-unknown-none",
    ] {
        assert!(text.contains(part), "{text}");
    }
}
