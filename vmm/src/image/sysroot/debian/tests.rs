//! With the system's real apt and a mirror in a local directory.

use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::debian::tool;
use crate::image::progress::Silent;

const SUITE: &str = "sid";
const PACKAGE_FILE: &str = "pool/rust-src.deb";

struct LocalMirror {
    dir: TempDir,
    mirror: Mirror,
}

impl LocalMirror {
    /// A mirror whose only package is `rust-src` of `version`, not signed, but trusted as the system's owner may
    /// configure it.
    fn with(version: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let uri = format!("file:{}", dir.path().display());
        let options = vec![("Trusted".to_owned(), "yes".to_owned())];
        let local = Self {
            mirror: Mirror {
                uri,
                suites: vec![SUITE.to_owned()],
                options,
            },
            dir,
        };

        let control = format!(
            "Package: {PACKAGE}\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n\
             Description: library source\n"
        );
        local.write("package/DEBIAN/control", &control);
        local.write(
            "package/usr/src/rustc-1.95.0/library/core/src/lib.rs",
            "#![no_core]",
        );
        fs::create_dir(local.dir.path().join("pool")).unwrap();
        let mut build = Command::new("dpkg-deb");
        build
            .args(["--root-owner-group", "--build", "package", PACKAGE_FILE])
            .current_dir(local.dir.path());
        tool::run(&mut build).unwrap();

        let index = "main/binary-amd64/Packages";
        let entry = format!(
            "{control}Filename: {PACKAGE_FILE}\nSHA256: {}\n",
            local.digest_and_size(PACKAGE_FILE, "\nSize: ")
        );
        local.write(&format!("dists/{SUITE}/{index}"), &entry);
        let release = format!(
            "Suite: {SUITE}\nCodename: {SUITE}\nArchitectures: all amd64\nComponents: main\nSHA256:\n {} {index}\n",
            local.digest_and_size(&format!("dists/{SUITE}/{index}"), " ")
        );
        local.write(&format!("dists/{SUITE}/Release"), &release);
        local
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn digest_and_size(&self, path: &str, separator: &str) -> String {
        let path = self.dir.path().join(path);
        let output = tool::run(Command::new("sha256sum").arg(&path)).unwrap();
        let digest = output.split_whitespace().next().unwrap();
        format!("{digest}{separator}{}", fs::metadata(&path).unwrap().len())
    }

    fn fetch(&self, release: &str, suite: &str, work: &TempDir) -> Result<PathBuf, Obstacle> {
        fetch(release, &self.mirror, &[suite.to_owned()], work.path(), &Silent)
    }
}

#[test]
fn the_package_of_the_compilers_version_is_fetched_and_unpacked() {
    let work = tempfile::tempdir().unwrap();
    let library = LocalMirror::with("1.95.0+dfsg1-2~bpo13+1")
        .fetch("1.95.0", SUITE, &work)
        .unwrap();
    assert_eq!(
        fs::read_to_string(library.join("core/src/lib.rs")).unwrap(),
        "#![no_core]"
    );
}

#[test]
fn a_package_of_another_version_is_left_alone_and_named() {
    let work = tempfile::tempdir().unwrap();
    let error = LocalMirror::with("1.94.1+dfsg1-1")
        .fetch("1.95.0", SUITE, &work)
        .unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, Obstacle::NoVersion { found, .. } if found == ["1.94.1+dfsg1-1"]),
        "{text}"
    );
}

#[test]
fn a_package_that_is_not_the_one_in_the_index_is_refused() {
    let work = tempfile::tempdir().unwrap();
    let local = LocalMirror::with("1.95.0-1");
    let mut bytes = fs::read(local.dir.path().join(PACKAGE_FILE)).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(local.dir.path().join(PACKAGE_FILE), bytes).unwrap();
    let error = local.fetch("1.95.0", SUITE, &work).unwrap_err();
    assert!(error.to_string().contains("Hash Sum mismatch"), "{error}");
}

#[test]
fn a_mirror_that_nobody_signed_or_declared_trusted_is_refused() {
    let work = tempfile::tempdir().unwrap();
    let mut local = LocalMirror::with("1.95.0-1");
    local.mirror.options.clear();
    let error = local.fetch("1.95.0", SUITE, &work).unwrap_err();
    assert!(error.to_string().contains("is not signed"), "{error}");
}

#[test]
fn a_suite_that_the_mirror_does_not_have_is_an_obstacle_with_apts_reason() {
    let work = tempfile::tempdir().unwrap();
    let error = LocalMirror::with("1.95.0-1")
        .fetch("1.95.0", "forky", &work)
        .unwrap_err();
    assert!(error.to_string().contains("dists/forky/"), "{error}");
}
