//! Modules for the kernel.

use super::*;

const MODULE: &str = "#![no_std]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! { loop {} }
unsafe extern \"C\" { fn offered_by_the_kernel(text: *const u8); }
#[unsafe(no_mangle)]
extern \"C\" fn init() { unsafe { offered_by_the_kernel(b\"text\".as_ptr()) } }
";

impl Fixture {
    fn change(&self, path: &str, change: impl FnOnce(&str) -> String) {
        let before = fs::read_to_string(self.places.workspace.join(path)).unwrap();
        self.write(path, &change(&before));
    }

    fn add_module(&self, name: &str) {
        let header = format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\n");
        let dir = format!("guest-modules/{name}");
        self.write(
            &format!("{dir}/Cargo.toml"),
            &format!("{header}edition = \"2024\"\n[lib]\ncrate-type = [\"staticlib\"]\n"),
        );
        self.write(&format!("{dir}/src/lib.rs"), MODULE);
        let entry = header.replacen(']', "]]", 1);
        self.change("Cargo.lock", |before| format!("{before}\n[{entry}"));
        self.change("Cargo.toml", |before| {
            before.replace("\"]\n", &format!("\", \"{dir}\"]\n"))
        });
    }
}

#[test]
fn each_crate_of_modules_but_their_library_becomes_one_relocatable_object() {
    let fixture = Fixture::new();
    fixture.add_module("kmod");
    fixture.add_module("one");
    let image = fixture.ensure().unwrap();
    assert_eq!(image.modules, ["one.ko"]);
    assert_eq!(image.programs, ["agent", "cow"]);
    let object = fs::read(image.program_dir.join("one.ko")).unwrap();
    assert_eq!(object[..5], *b"\x7fELF\x02");
    assert_eq!(object[16], 1, "a relocatable object");
    let is_in = |text: &[u8]| object.windows(text.len()).any(|window| window == text);
    assert!(is_in(b"offered_by_the_kernel"));
    let archive = fs::read(&image.initrd).unwrap();
    assert!(archive.windows(object.len()).any(|window| window == object));

    fixture.write("guest-modules/one/src/lib.rs", &format!("{MODULE}// changed\n"));
    assert_ne!(fixture.ensure().unwrap().initrd, image.initrd);
}

#[test]
fn an_error_in_a_module_is_shown_as_the_compiler_said_it() {
    let fixture = Fixture::new();
    fixture.add_module("wrong");
    fixture.write("guest-modules/wrong/src/lib.rs", "fn init() { undefined_name }");
    let error = fixture.ensure().unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, ImageError::Compile { ref package, .. } if package == "wrong"),
        "{text}"
    );
    assert!(text.contains("undefined_name"), "{text}");
    assert!(!fixture.places.images().exists());
}
