//! Files that a user adds to the archive of an image: modules, programs, data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File as OpenFile};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::build::{copy, keep_newest, publish, write_file};
use super::files::{File, Mode};
use super::{GuestImage, INITRD, ImageError, KERNEL, PROGRAMS, initrd, modules, program_files};
use crate::archive;
use crate::regular_file::{self, Links, RegularFileError};

/// Most bytes of one file that is added: more than any guest has memory for.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// Longest path in the archive, in bytes.
const MAX_PATH_BYTES: usize = 1024;
/// Folder of the cache.
const FOLDER: &str = "added";
/// Images that are kept.
const KEPT_IMAGES: usize = 4;
/// Bytes of a hash that name an image.
const NAME_BYTES: usize = 8;
const MODE_EXECUTE: u32 = 0o111;

/// A file, or a folder with all that is in it, and where it will be in the guest. Written `PATH`, or `PATH:GUEST_PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    from: PathBuf,
    /// Without the root.
    to: String,
}

/// Something cannot be added to an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddedError {
    /// It cannot be read.
    #[error("cannot add {}", .path.display())]
    Read {
        /// What was to be added.
        path: PathBuf,
        /// Why not.
        source: RegularFileError,
    },
    /// A folder cannot be read.
    #[error("cannot add {}", .path.display())]
    Folder {
        /// The folder that was to be added.
        path: PathBuf,
        /// Why not.
        source: walkdir::Error,
    },
    /// It has no name that can stand in an archive.
    #[error("cannot add {}: its path in the guest would be `{guest_path}`, which {problem}", .path.display())]
    Path {
        /// What was to be added.
        path: PathBuf,
        /// Where it would be.
        guest_path: String,
        /// What is wrong with that.
        problem: &'static str,
    },
    /// Two files would have one path.
    #[error("cannot add {}: the guest has a file `{guest_path}` already; choose another path, as in --add PATH:GUEST_PATH", .path.display())]
    Taken {
        /// What was to be added.
        path: PathBuf,
        /// Where it would be.
        guest_path: String,
    },
    /// The guest loads another archive than the image's.
    #[error("cannot add files to this guest: it brings an archive of its own, {}", .archive.display())]
    OtherArchive {
        /// The archive.
        archive: PathBuf,
    },
    /// The image cannot be made.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl FromStr for Added {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        // A path may have a colon in it.
        let (from, to) = match words.rsplit_once(':') {
            Some((from, to)) if !Path::new(words).exists() => (from, Some(to)),
            _ => (words, None),
        };
        let from = PathBuf::from(from);
        let name = || {
            let name = from.file_name().and_then(|name| name.to_str());
            name.ok_or_else(|| format!("{} has no name; write PATH:GUEST_PATH", from.display()))
        };
        let to = match to {
            Some(to) if to.ends_with('/') => format!("{to}{}", name()?),
            Some(to) => to.to_owned(),
            None => name()?.to_owned(),
        };
        let to = to.trim_start_matches('/').to_owned();
        Ok(Self { from, to })
    }
}

/// As it is parsed.
impl fmt::Display for Added {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:/{}", self.from.display(), self.to)
    }
}

/// A file to add.
struct Found {
    from: PathBuf,
    mode: Mode,
    contents: Vec<u8>,
}

impl GuestImage {
    /// This image with these files in its archive as well; it lies below the folder `cache`. Who may execute a file on the host may do so in
    /// the guest.
    ///
    /// # Errors
    /// A file cannot be read, or its path in the guest is none or is taken.
    pub fn with_files(&self, added: &[Added], cache: &Path) -> Result<GuestImage, AddedError> {
        let found = find(added)?;
        let archive = OpenFile::open(&self.initrd).map_err(ImageError::file("open", &self.initrd))?;
        for (name, _) in archive::files(&archive) {
            if let Some(found) = found.get(&name) {
                return Err(AddedError::Taken {
                    path: found.from.clone(),
                    guest_path: name,
                });
            }
        }
        let original = fs::read(&self.initrd).map_err(ImageError::file("read", &self.initrd))?;
        let folder = cache.join(FOLDER);
        let place = folder.join(name_of(&original, &found));
        if let Ok(image) = GuestImage::at(&place) {
            return Ok(image);
        }
        fs::create_dir_all(&folder).map_err(ImageError::file("create", &folder))?;
        // A call that is ended meanwhile leaves no half of it under the final name.
        let work = tempfile::tempdir_in(&folder).map_err(ImageError::file("create", &folder))?;
        self.write_with(&original, &found, work.path())?;
        publish(&work.keep(), &place)?;
        keep_newest(&folder, "", KEPT_IMAGES)?;
        Ok(GuestImage::at(&place)?)
    }

    fn write_with(
        &self,
        original: &[u8],
        found: &BTreeMap<String, Found>,
        to: &Path,
    ) -> Result<(), ImageError> {
        copy(&self.kernel, &to.join(KERNEL))?;
        let programs = to.join(PROGRAMS);
        for (name, path) in program_files(&self.program_dir)? {
            let to = programs.join(&name);
            make_parent(&to)?;
            copy(&path, &to)?;
        }
        let folders: BTreeSet<&str> = found.keys().flat_map(|name| folders_of(name)).collect();
        let files = found.iter().map(|(name, file)| File {
            name,
            mode: file.mode,
            contents: &file.contents,
        });
        let entries: Vec<File<'_>> = folders.into_iter().map(folder).chain(files).collect();
        // A module that lies beside the programs is one of this project's.
        let is_program =
            |entry: &&File<'_>| entry.mode == Mode::Executable && !modules::is_module(entry.name);
        for entry in entries.iter().filter(is_program) {
            let path = programs.join(entry.name);
            make_parent(&path)?;
            write_file(&path, *entry)?;
        }
        let path = to.join(INITRD);
        let written = initrd::append(original, &entries).and_then(|archive| fs::write(&path, archive));
        written.map_err(ImageError::file("write", &path))
    }
}

fn make_parent(path: &Path) -> Result<(), ImageError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(ImageError::file("create", parent))
}

/// The folders that a path leads through, the outermost first.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

fn folder(name: &str) -> File<'_> {
    File {
        name,
        mode: Mode::Folder,
        contents: b"",
    }
}

/// All files, by their paths in the guest.
fn find(added: &[Added]) -> Result<BTreeMap<String, Found>, AddedError> {
    let mut found = BTreeMap::new();
    for Added { from, to } in added {
        let walk = WalkDir::new(from).follow_links(true).sort_by_file_name();
        for entry in walk {
            let entry = entry.map_err(|source| AddedError::Folder {
                path: from.clone(),
                source,
            })?;
            if entry.file_type().is_dir() {
                continue;
            }
            let path = entry.path();
            let mut guest_path = PathBuf::from(to);
            guest_path.extend(path.strip_prefix(from).unwrap_or(path));
            let guest_path = guest_path_of(path, &guest_path)?;
            let file = read(path)?;
            if found.insert(guest_path.clone(), file).is_some() {
                let path = path.to_owned();
                return Err(AddedError::Taken { path, guest_path });
            }
        }
    }
    Ok(found)
}

/// A path as it stands in an archive.
fn guest_path_of(from: &Path, to: &Path) -> Result<String, AddedError> {
    let refused = |problem| AddedError::Path {
        path: from.to_owned(),
        guest_path: to.to_string_lossy().into_owned(),
        problem,
    };
    let mut names = Vec::new();
    for component in to.components() {
        match component {
            Component::Normal(name) => {
                let name = name.to_str().ok_or_else(|| refused("is no UTF-8 text"))?;
                names.push(name);
            }
            Component::CurDir => {}
            _ => return Err(refused("leads out of the archive")),
        }
    }
    let path = names.join("/");
    if path.is_empty() {
        return Err(refused("is empty"));
    }
    if path.len() > MAX_PATH_BYTES {
        return Err(refused("is longer than 1024 bytes"));
    }
    Ok(path)
}

fn read(path: &Path) -> Result<Found, AddedError> {
    let refused = |source| AddedError::Read {
        path: path.to_owned(),
        source,
    };
    let system = |source| refused(RegularFileError::System(source));
    let (mut file, _) = regular_file::open(path, Links::Followed, MAX_FILE_BYTES).map_err(refused)?;
    let permissions = file.metadata().map_err(system)?.permissions();
    let mut contents = Vec::new();
    std::io::copy(&mut file, &mut contents).map_err(system)?;
    Ok(Found {
        from: path.to_owned(),
        mode: if permissions.mode() & MODE_EXECUTE == 0 {
            Mode::Data
        } else {
            Mode::Executable
        },
        contents,
    })
}

/// A name that changes with everything that goes into the image, and with the code that makes it.
fn name_of(original: &[u8], found: &BTreeMap<String, Found>) -> String {
    let mut hasher = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    add(include_str!("added.rs").as_bytes());
    add(original);
    for (name, file) in found {
        add(name.as_bytes());
        add(&file.mode.bits().to_le_bytes());
        add(&file.contents);
    }
    let hash = hasher.finalize();
    hash[..NAME_BYTES]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
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
            self.image.with_files(&added, &self.folder.path().join("cache"))
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
}
