//! A process's file descriptors.
//!
//! Each descriptor has a position of its own: unlike on Linux, a child that inherits one does not move its parent's.

use crate::errno::Errno;

/// Most files that a process has open at once.
const MAX_OPEN: usize = 32;

/// What can be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    /// The serial console.
    Console,
    /// Physical memory, of which only the doorbell can be mapped.
    Memory,
    /// A file of the initrd: it can be read and mapped.
    Initrd(&'static [u8]),
    /// The memory of the process that reads or writes it (`/proc/self/mem`).
    OwnMemory,
    /// The areas of the process that reads it (`/proc/self/maps`).
    OwnMaps,
    /// Which request for memory of the process fails (`/proc/self/fail-nth`).
    FailNth,
    /// The modules that there are (`/proc/modules`).
    Modules,
}

/// A file and where it is read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenFile {
    pub(crate) file: File,
    pub(crate) position: u64,
}

/// Open files by descriptor number.
#[derive(Clone, Debug)]
pub(crate) struct OpenFiles([Option<OpenFile>; MAX_OPEN]);

impl OpenFiles {
    /// Input, output and error output, all on the console.
    pub(crate) fn on_console() -> Self {
        let console = OpenFile {
            file: File::Console,
            position: 0,
        };
        let mut files = [None; MAX_OPEN];
        files[..3].fill(Some(console));
        Self(files)
    }

    /// Opens under the lowest number that is free.
    pub(crate) fn open(&mut self, file: File) -> Result<u64, Errno> {
        let number = self.0.iter().position(Option::is_none).ok_or(Errno::EMFILE)?;
        self.0[number] = Some(OpenFile { file, position: 0 });
        Ok(number as u64)
    }

    pub(crate) fn get(&mut self, number: u64) -> Result<&mut OpenFile, Errno> {
        let slot = self.0.get_mut(number as usize);
        slot.and_then(Option::as_mut).ok_or(Errno::EBADF)
    }

    pub(crate) fn close(&mut self, number: u64) -> Result<(), Errno> {
        self.get(number)?;
        self.0[number as usize] = None;
        Ok(())
    }

    /// The process has ended.
    pub(crate) fn close_all(&mut self) {
        self.0 = [None; MAX_OPEN];
    }
}

#[cfg(test)]
mod tests {
    use super::{Errno, File, MAX_OPEN, OpenFiles};

    #[test]
    fn the_lowest_free_number_is_used_again() {
        let mut files = OpenFiles::on_console();
        assert_eq!(files.open(File::Memory), Ok(3));
        files.close(1).unwrap();
        assert_eq!(files.open(File::Memory), Ok(1));
        assert_eq!(files.get(1).unwrap().file, File::Memory);
    }

    #[test]
    fn numbers_that_are_not_open_are_refused() {
        let mut files = OpenFiles::on_console();
        assert_eq!(files.get(3), Err(Errno::EBADF));
        assert_eq!(files.close(u64::MAX), Err(Errno::EBADF));
    }

    #[test]
    fn there_is_an_end_to_open_files() {
        let mut files = OpenFiles::on_console();
        for _ in 3..MAX_OPEN {
            files.open(File::Memory).unwrap();
        }
        assert_eq!(files.open(File::Memory), Err(Errno::EMFILE));
    }
}
