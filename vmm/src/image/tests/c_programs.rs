//! Programs in C.

use super::*;

const C_PROGRAM: &str = "__attribute__((noreturn)) void _start(void) { for (;;) ; }";

#[test]
fn c_programs_are_built_into_the_image_and_a_changed_one_gives_another_image() {
    let fixture = Fixture::new();
    let without = fixture.ensure().unwrap();
    fixture.write("guest-user/c/freestanding/bare.c", C_PROGRAM);
    fixture.write("guest-user/c/libc/full.c", "int main(void) { return 7; }");
    fixture.write("guest-user/c/libc/notes.txt", "no program");
    let with = fixture.ensure().unwrap();
    assert_eq!(with.programs, ["agent", "bare", "cow", "full"]);
    assert_ne!(with.kernel, without.kernel);
    let run = std::process::Command::new(with.program("full").unwrap())
        .status()
        .unwrap();
    assert_eq!(run.code(), Some(7));
    fixture.write("guest-user/c/libc/full.c", "int main(void) { return 8; }");
    assert_ne!(fixture.ensure().unwrap().kernel, with.kernel);
}

#[test]
fn an_error_in_a_c_program_is_shown_as_the_compiler_said_it() {
    let fixture = Fixture::new();
    fixture.write(
        "guest-user/c/libc/wrong.c",
        "int main(void) { return undefined_name; }",
    );
    let error = fixture.ensure().unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ImageError::CompileC { .. }), "{text}");
    assert!(
        text.contains("undefined_name") && text.contains("guest-user/c/libc/wrong.c:1"),
        "{text}"
    );
    assert!(!fixture.places.images().exists());
}

#[test]
fn a_missing_c_compiler_is_named_with_what_to_install() {
    let text = ImageError::NoCCompiler {
        compiler: "no-such-compiler".to_owned(),
        source: std::io::ErrorKind::NotFound.into(),
    }
    .to_string();
    for part in ["`no-such-compiler`", "libc6-dev", "CC"] {
        assert!(text.contains(part), "{text}");
    }
}
