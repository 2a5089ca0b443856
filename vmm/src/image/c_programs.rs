//! Compiles the C programs of the guest with the system's C compiler, `$CC` or else `cc`.
//!
//! They show that the guest runs programs that were not made for it. A program is one file, and its directory says what is
//! linked to it: nothing at all, or the system's libc. Either way it is static and at fixed addresses, like the others.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::ImageError;
use super::guest_cargo::Program;
use super::places::Places;

/// Environment variable: the C compiler, perhaps with arguments of its own.
const COMPILER_VARIABLE: &str = "CC";
const DEFAULT_COMPILER: &str = "cc";

/// Programs that are linked alike.
struct Linkage {
    /// Their directory in the workspace.
    dir: &'static str,
    flags: &'static [&'static str],
}

const LINKAGES: [Linkage; 2] = [
    Linkage {
        dir: "guest-user/c/freestanding",
        flags: &["-nostdlib", "-ffreestanding", "-fno-stack-protector"],
    },
    Linkage {
        dir: "guest-user/c/libc",
        flags: &["-pthread"],
    },
];

const COMMON_FLAGS: [&str; 6] = [
    "-std=gnu17",
    "-O2",
    "-static",
    "-no-pie",
    // The initrd is loaded for every run, and nobody reads symbols there.
    "-s",
    // The note would have a segment of its own, and a hash of paths.
    "-Wl,--build-id=none",
];

/// What programs in C have in common.
const INCLUDE_DIR: &str = "guest-user/c/include";

/// Compiles all of them and returns their files.
pub(super) fn build(places: &Places) -> Result<Vec<Program>, ImageError> {
    let out_dir = places.c_programs();
    fs::create_dir_all(&out_dir).map_err(ImageError::file("create", &out_dir))?;
    let include_dir = places.workspace.join(INCLUDE_DIR);
    let mut programs = Vec::new();
    for Linkage { dir, flags } in LINKAGES {
        for source in sources(&places.workspace.join(dir))? {
            let name = source
                .file_stem()
                .expect("a file with an extension has a stem")
                .to_string_lossy()
                .into_owned();
            let executable = out_dir.join(&name);
            compile(places, &source, flags, &include_dir, &executable)?;
            programs.push(Program { name, executable });
        }
    }
    Ok(programs)
}

/// The compiler of the C programs, asked what it is: what else but the sources decides about the programs.
pub(super) struct AskedCompiler {
    name: OsString,
    asked: io::Result<Child>,
}

/// Asks the compiler for its version, and does not wait for the answer.
pub(super) fn ask_compiler() -> AskedCompiler {
    ask(compiler())
}

fn ask(name: OsString) -> AskedCompiler {
    let asked = command(&name)
        .arg("--version")
        .env("LC_ALL", "C")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    AskedCompiler { name, asked }
}

impl AskedCompiler {
    /// Its name with its own arguments, and what it says of its version: nothing if it cannot be asked, which compiling will tell.
    pub(super) fn identity(self) -> (OsString, Vec<u8>) {
        let answer = self.asked.and_then(Child::wait_with_output);
        (self.name, answer.map(|output| output.stdout).unwrap_or_default())
    }
}

/// The compiler's name with its own arguments, and a call of it with these.
pub(crate) fn c_compiler() -> (String, Command) {
    let compiler = compiler();
    (compiler.to_string_lossy().into_owned(), command(&compiler))
}

fn compiler() -> OsString {
    env::var_os(COMPILER_VARIABLE)
        .filter(|compiler| !compiler.is_empty())
        .unwrap_or_else(|| DEFAULT_COMPILER.into())
}

/// The C files of a directory, in the order of their names; none if it is not there.
fn sources(dir: &Path) -> Result<Vec<PathBuf>, ImageError> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(ImageError::file("list", dir))?;
    let mut sources: Vec<PathBuf> = entries
        .iter()
        .map(fs::DirEntry::path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    sources.sort();
    Ok(sources)
}

fn compile(
    places: &Places,
    source: &Path,
    flags: &[&str],
    include_dir: &Path,
    executable: &Path,
) -> Result<(), ImageError> {
    let (compiler, mut command) = c_compiler();
    command.args(COMMON_FLAGS).args(flags);
    command.arg("-I").arg(include_dir);
    command.arg(source).arg("-o").arg(executable);
    let output = places
        .contained(command)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| ImageError::NoCCompiler {
            compiler: compiler.clone(),
            source,
        })?;
    if output.status.success() {
        return Ok(());
    }
    Err(ImageError::CompileC {
        source_file: source.to_owned(),
        compiler,
        status: output.status,
        diagnostics: places.diagnostics(&output),
    })
}

/// A call of the compiler, with the arguments of its own.
fn command(compiler: &OsStr) -> Command {
    let compiler = compiler.to_string_lossy();
    let mut words = compiler.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(DEFAULT_COMPILER));
    command.args(words).stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_compiler_that_was_updated_under_the_same_name_is_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let compiler = dir.path().join("cc");
        let version_of = |release: u32| {
            fs::write(&compiler, format!("#!/bin/sh\necho \"$@\" {release}\n")).unwrap();
            fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755)).unwrap();
            ask(format!("{} -m64", compiler.display()).into()).identity().1
        };
        assert_eq!(version_of(1), b"-m64 --version 1\n");
        assert_eq!(version_of(2), b"-m64 --version 2\n");
    }

    #[test]
    fn a_compiler_that_is_not_there_has_no_version() {
        assert_eq!(ask("no-such-compiler".into()).identity().1, b"");
    }
}
