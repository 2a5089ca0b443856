//! Opening files that strangers made: what is no file of a bounded length is refused, and nothing waits.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, fstat, open as open_raw};
use rustix::io::Errno;

/// What becomes of a path that is a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// It leads to the file: for a path that the user wrote.
    Followed,
    /// It is refused: for a file of a folder that came from somebody else. It could lead to a file of the user's, whose bytes would be
    /// shown to a guest.
    Refused,
}

/// Why a path is no file to read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegularFileError {
    /// It is a link, and may not be one.
    #[error("it is a symbolic link: expected the file itself")]
    Link,
    /// It is a folder, a pipe, a device or a socket.
    #[error("it is no regular file")]
    NotRegular,
    /// It is longer than anything useful.
    #[error("it has {len_bytes} bytes, expected at most {most_bytes}")]
    TooLong {
        /// Its length.
        len_bytes: u64,
        /// The limit.
        most_bytes: u64,
    },
    /// The system refuses.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Opens the regular file at `path` for reading, and gives its length in bytes.
///
/// # Errors
/// It is none, is longer than `most_bytes`, or cannot be opened.
pub fn open(path: &Path, links: Links, most_bytes: u64) -> Result<(File, u64), RegularFileError> {
    // A pipe without a writer must not be waited for.
    let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refused {
        flags |= OFlags::NOFOLLOW;
    }
    let opened = open_raw(path, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::LOOP if links == Links::Refused => RegularFileError::Link,
        // A socket, or a device without a driver.
        Errno::NXIO | Errno::NODEV => RegularFileError::NotRegular,
        errno => RegularFileError::System(errno.into()),
    })?;
    let status = fstat(&opened).map_err(io::Error::from)?;
    if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
        return Err(RegularFileError::NotRegular);
    }
    let len_bytes = u64::try_from(status.st_size).unwrap_or_default();
    if len_bytes > most_bytes {
        return Err(RegularFileError::TooLong {
            len_bytes,
            most_bytes,
        });
    }
    Ok((File::from(opened), len_bytes))
}

/// What the regular file at `path` holds.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path, links: Links, most_bytes: u64) -> Result<Vec<u8>, RegularFileError> {
    let (file, _) = open(path, links, most_bytes)?;
    let mut contents = Vec::new();
    // It may have grown since.
    file.take(most_bytes).read_to_end(&mut contents)?;
    Ok(contents)
}

/// The text of the regular file at `path`.
///
/// # Errors
/// As [`open`], or it is no UTF-8.
pub fn read_text(path: &Path, links: Links, most_bytes: u64) -> Result<String, RegularFileError> {
    let (file, _) = open(path, links, most_bytes)?;
    let mut text = String::new();
    // It may have grown since.
    file.take(most_bytes).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, mknodat};

    use super::*;

    #[test]
    fn only_a_regular_file_of_bounded_length_is_opened_and_nothing_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("file"), b"text").unwrap();
        symlink(path("file"), path("link")).unwrap();
        mknodat(CWD, path("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let _listener = UnixListener::bind(path("socket")).unwrap();

        assert_eq!(open(&path("file"), Links::Refused, 4).unwrap().1, 4);
        assert_eq!(read_text(&path("link"), Links::Followed, 4).unwrap(), "text");
        let refused = |path: &Path, most_bytes| open(path, Links::Refused, most_bytes).unwrap_err();
        assert!(matches!(refused(&path("link"), 4), RegularFileError::Link));
        for other in [
            path("pipe"),
            path("socket"),
            dir.path().to_owned(),
            "/dev/zero".into(),
        ] {
            let error = refused(&other, u64::MAX);
            assert!(
                matches!(error, RegularFileError::NotRegular),
                "{other:?}: {error}"
            );
        }
        assert!(matches!(
            refused(&path("file"), 3),
            RegularFileError::TooLong {
                len_bytes: 4,
                most_bytes: 3
            }
        ));
        assert!(matches!(refused(&path("none"), 4), RegularFileError::System(_)));
    }
}
