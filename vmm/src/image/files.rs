//! Files of the image that are no programs: what execve must refuse, and what a program may read and not change.

/// A file of the archive, beside the programs in the image's directory of programs too.
#[derive(Clone, Copy, Debug)]
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) mode: Mode,
    pub(super) contents: &'a [u8],
}

/// Who may do what with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Everybody may execute it.
    Executable,
    /// Nobody may execute it.
    Data,
    /// It is a folder, and has no contents.
    Folder,
}

impl Mode {
    /// Permission bits as chmod takes them.
    pub(super) fn permissions(self) -> u32 {
        match self {
            Self::Executable | Self::Folder => 0o755,
            Self::Data => 0o644,
        }
    }

    /// What `st_mode` is: the kind of the file, and the permissions.
    pub(super) fn bits(self) -> u32 {
        let kind = match self {
            Self::Executable | Self::Data => 0o100_000,
            Self::Folder => 0o040_000,
        };
        kind | self.permissions()
    }
}

/// Files that every image has.
pub(super) const FILES: [File<'static>; 3] = [
    File {
        name: "not-a-program",
        mode: Mode::Executable,
        contents: b"This file may be executed, and is no program.\n",
    },
    File {
        name: "not-executable",
        mode: Mode::Data,
        contents: b"This file may not be executed.\n",
    },
    File {
        name: "secret",
        mode: Mode::Data,
        contents: &SECRET,
    },
];

/// A line, and newlines up to the end of the page: a guest maps whole pages of files.
const SECRET: [u8; abi::PAGE_SIZE as usize] = {
    let line = b"The answer is 42.\n";
    let mut page = [b'\n'; abi::PAGE_SIZE as usize];
    let mut index = 0;
    while index < line.len() {
        page[index] = line[index];
        index += 1;
    }
    page
};

/// Whether a file beside the programs is none of them.
pub(super) fn is_file(name: &str) -> bool {
    FILES.iter().any(|file| file.name == name)
}
