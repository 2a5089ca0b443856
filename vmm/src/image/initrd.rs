//! Packs programs into an initrd: a newc cpio archive whose file contents start on page boundaries, so that the kernel
//! can map a program's pages where they lie.
//!
//! The alignment is made as `gen_init_cpio -a` of Linux makes it: with NUL bytes after a name, which count as part of it
//! and which every reader drops. The bytes depend on the names and contents alone.

use std::io::{self, Cursor, Write};

use cpio::newc::{self, Builder};

use super::files::{File, Mode};

/// Bytes of a newc entry before the name.
const HEADER_BYTES: usize = 110;
/// Linux skips an entry whose name, with its NULs, is longer.
const MAX_NAME_BYTES: usize = 4096;
const PAGE_BYTES: usize = abi::PAGE_SIZE as usize;

/// The archive of `files`, in their order.
pub(super) fn pack(files: &[File<'_>]) -> io::Result<Vec<u8>> {
    write_after(Vec::new(), 0, files)
}

/// An archive with `files` behind what is in it.
pub(super) fn append(archive: &[u8], files: &[File<'_>]) -> io::Result<Vec<u8>> {
    let mut entries = 0;
    let mut rest = Cursor::new(archive);
    let end = loop {
        let start = rest.position();
        let reader = newc::Reader::new(rest)?;
        if reader.entry().is_trailer() {
            break start as usize;
        }
        entries += 1;
        rest = reader.finish()?;
    };
    write_after(archive[..end].to_owned(), entries, files)
}

/// Writes `files` and the end of the archive behind so many entries that are there.
fn write_after(mut archive: Vec<u8>, entries: u32, files: &[File<'_>]) -> io::Result<Vec<u8>> {
    for (number, file) in (entries + 1..).zip(files) {
        let File { name, mode, contents } = *file;
        // Close before a page boundary the name would have to span a whole page more than is allowed; an entry for the
        // root directory, which changes nothing, takes the header across.
        while aligned_name(archive.len(), name).len() >= MAX_NAME_BYTES {
            Builder::new(".")
                .mode(Mode::Folder.bits())
                .write(&mut archive, 0)
                .finish()?;
        }
        let size = u32::try_from(contents.len()).map_err(io::Error::other)?;
        let entry = Builder::new(&aligned_name(archive.len(), name))
            .ino(number)
            .mode(mode.bits());
        let mut entry = entry.write(&mut archive, size);
        entry.write_all(contents)?;
        entry.finish()?;
    }
    newc::trailer(archive)
}

/// `name` with as many NULs as an entry at `position` needs for its contents to be page-aligned. The writer adds one
/// more NUL, the one that ends every name.
fn aligned_name(position: usize, name: &str) -> String {
    let end = position + HEADER_BYTES + name.len() + 1;
    let padding = end.next_multiple_of(PAGE_BYTES) - end;
    format!("{name}{}", "\0".repeat(padding))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn program<'a>(name: &'a str, contents: &'a [u8]) -> File<'a> {
        File {
            name,
            mode: Mode::Executable,
            contents,
        }
    }

    struct Unpacked {
        name: String,
        mode: u32,
        offset: u64,
        contents: Vec<u8>,
    }

    fn unpack(archive: Vec<u8>) -> Vec<Unpacked> {
        let mut rest = Cursor::new(archive);
        let mut files = Vec::new();
        loop {
            let mut reader = newc::Reader::new(rest).unwrap();
            if reader.entry().is_trailer() {
                return files;
            }
            let (name, mode) = (reader.entry().name().to_owned(), reader.entry().mode());
            let offset = reader.offset().unwrap();
            let mut contents = Vec::new();
            reader.read_to_end(&mut contents).unwrap();
            files.push(Unpacked {
                name,
                mode,
                offset,
                contents,
            });
            rest = reader.finish().unwrap();
        }
    }

    #[test]
    fn contents_of_every_length_start_on_a_page_and_come_back_unchanged() {
        let bodies: Vec<Vec<u8>> = [0, 1, 2, 3, 4095, 4096, 4097, 10_000]
            .iter()
            .map(|&length| vec![b'x'; length])
            .collect();
        let programs: Vec<File<'_>> = bodies.iter().map(|body| program("agent", body)).collect();
        let files = unpack(pack(&programs).unwrap());
        assert_eq!(files.len(), bodies.len());
        for (file, body) in files.iter().zip(&bodies) {
            assert_eq!(file.offset % abi::PAGE_SIZE, 0);
            assert_eq!(
                (file.name.as_str(), file.mode, &file.contents),
                ("agent", 0o100_755, body)
            );
        }
    }

    #[test]
    fn no_name_is_longer_than_linux_reads_wherever_its_header_falls_in_a_page() {
        for length in (3800..4096).step_by(4) {
            let first = vec![0; length];
            let archive = pack(&[program("first", &first), program("second", b"contents")]).unwrap();
            let longest = archive
                .windows(HEADER_BYTES)
                .filter(|header| header.starts_with(b"070701"))
                .map(|header| u32::from_str_radix(str::from_utf8(&header[94..102]).unwrap(), 16).unwrap())
                .max();
            assert!(longest.unwrap() <= 4096, "{length}: {longest:?}");
            let files = unpack(archive);
            let second = files.iter().find(|file| file.name == "second").unwrap();
            assert_eq!(
                (second.offset % abi::PAGE_SIZE, second.contents.as_slice()),
                (0, &b"contents"[..])
            );
        }
    }

    #[test]
    fn the_same_programs_give_the_same_bytes() {
        let programs = [program("agent", b"1"), program("cow", b"22")];
        assert_eq!(pack(&programs).unwrap(), pack(&programs).unwrap());
    }

    #[test]
    fn files_that_are_appended_come_behind_those_that_are_there() {
        let files = [
            program("agent", b"1"),
            program("cow", b"22"),
            program("exec", &[b'3'; 5000]),
        ];
        let appended = append(&pack(&files[..2]).unwrap(), &files[2..]).unwrap();
        assert_eq!(appended, pack(&files).unwrap());
        assert!(append(b"no archive", &files).is_err());
    }

    #[test]
    fn a_file_that_nobody_may_execute_has_no_bit_that_says_so() {
        let data = File {
            name: "data",
            mode: Mode::Data,
            contents: b"",
        };
        assert_eq!(unpack(pack(&[data]).unwrap())[0].mode, 0o100_644);
    }
}
