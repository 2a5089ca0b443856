//! Images with files of the user's.

use tempfile::TempDir;

use super::*;

/// An image with one program, and files to add, in folders of their own.
struct World {
    folder: TempDir,
    image: GuestImage,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image");
        let agent = File {
            name: "agent",
            mode: Mode::Executable,
            contents: b"the agent",
        };
        fs::create_dir_all(image.join(PROGRAMS)).unwrap();
        fs::write(image.join(KERNEL), "a kernel").unwrap();
        fs::write(image.join(INITRD), initrd::pack(&[agent]).unwrap()).unwrap();
        write_file(&image.join(PROGRAMS).join("agent"), agent).unwrap();
        let image = GuestImage::at(&image).unwrap();
        Self { folder, image }
    }

    fn file(&self, path: &str, mode: Mode, contents: &str) -> PathBuf {
        let path = self.folder.path().join(path);
        make_parent(&path).unwrap();
        let contents = contents.as_bytes();
        write_file(
            &path,
            File {
                name: "",
                mode,
                contents,
            },
        )
        .unwrap();
        path
    }

    fn with(&self, words: &[String]) -> Result<GuestImage, AddedError> {
        let added: Vec<Added> = words.iter().map(|words| words.parse().unwrap()).collect();
        self.image
            .with_files(&added, Vec::new(), &self.folder.path().join("cache"))
    }
}

fn contents(image: &GuestImage) -> Vec<(String, String)> {
    let archive = OpenFile::open(&image.initrd).unwrap();
    let bytes = fs::read(&image.initrd).unwrap();
    let part = |range: std::ops::Range<u64>| {
        String::from_utf8_lossy(&bytes[range.start as usize..range.end as usize]).into_owned()
    };
    archive::files(&archive)
        .map(|(name, range)| (name, part(range)))
        .collect()
}

#[test]
fn files_come_where_they_are_wanted_and_programs_can_be_asked_for() {
    let world = World::new();
    let tool = world.file("here/tool", Mode::Executable, "a tool");
    let data = world.file("here/data", Mode::Data, "some data");
    let words = [
        tool.display().to_string(),
        format!("{}:/etc/deep/", data.display()),
        format!("{}:bin/again", tool.display()),
    ];
    let image = world.with(&words).unwrap();
    let expected = [
        ("agent", "the agent"),
        ("bin", ""),
        ("etc", ""),
        ("etc/deep", ""),
        ("bin/again", "a tool"),
        ("etc/deep/data", "some data"),
        ("tool", "a tool"),
    ];
    let expected = expected.map(|(name, contents)| (name.to_owned(), contents.to_owned()));
    assert_eq!(contents(&image), expected);
    assert_eq!(image.programs, ["agent", "bin/again", "tool"]);
    assert_eq!(fs::read(image.kernel).unwrap(), b"a kernel");
}

#[test]
fn a_folder_comes_with_all_that_is_in_it() {
    let world = World::new();
    world.file("lib/a/one", Mode::Data, "1");
    world.file("lib/two", Mode::Data, "2");
    let lib = world.folder.path().join("lib");
    let image = world.with(&[format!("{}:modules", lib.display())]).unwrap();
    let names: Vec<String> = contents(&image).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["agent", "modules", "modules/a", "modules/a/one", "modules/two"]
    );
}

#[test]
fn the_same_files_are_packed_once_and_others_anew() {
    let world = World::new();
    let tool = world.file("tool", Mode::Executable, "a tool");
    let words = [tool.display().to_string()];
    let first = world.with(&words).unwrap();
    assert_eq!(world.with(&words).unwrap(), first);
    world.file("tool", Mode::Executable, "another tool");
    assert_ne!(world.with(&words).unwrap(), first);
}

#[test]
fn the_same_files_with_another_kernel_are_another_image() {
    let world = World::new();
    let tool = world.file("tool", Mode::Executable, "a tool");
    let words = [tool.display().to_string()];
    world.with(&words).unwrap();
    fs::write(&world.image.kernel, "another kernel").unwrap();
    let image = world.with(&words).unwrap();
    assert_eq!(fs::read(image.kernel).unwrap(), b"another kernel");
}

#[test]
fn what_cannot_be_added_is_told() {
    let world = World::new();
    let tool = world.file("tool", Mode::Executable, "a tool");
    let tool = tool.display().to_string();
    let told = |words: &[String]| world.with(words).unwrap_err().to_string();
    let taken = told(&[format!("{tool}:/agent")]);
    assert!(taken.contains("the guest has a file `agent` already"), "{taken}");
    let twice = told(&[tool.clone(), tool.clone()]);
    assert!(twice.contains("the guest has a file `tool` already"), "{twice}");
    let outside = told(&[format!("{tool}:a/../../b")]);
    assert!(outside.contains("leads out of the archive"), "{outside}");
    let missing = told(&[format!("{tool}-that-is-not-there")]);
    assert!(missing.contains("tool-that-is-not-there"), "{missing}");
    let pipe = world.folder.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let error = world.with(&[pipe.display().to_string()]).unwrap_err();
    assert!(matches!(error, AddedError::Read { .. }), "{error}");
}

#[test]
fn a_path_with_a_colon_is_a_path_if_there_is_one() {
    let world = World::new();
    let odd = world.file("a:b", Mode::Data, "odd").display().to_string();
    assert_eq!(odd.parse::<Added>().unwrap().to, "a:b");
    assert_eq!(format!("{odd}:c").parse::<Added>().unwrap().to, "c");
    assert!("/..".parse::<Added>().is_err());
}
