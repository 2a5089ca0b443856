//! A process's file descriptors. Those that a child inherits share an open file description with its parent's, as on Linux.

use abi::linux::syscall::O_CLOEXEC;

use super::FileRef;
use crate::errno::Errno;

/// Most files that a process has open at once.
const MAX_OPEN: usize = 32;

/// What becomes of a descriptor when another program begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtExec {
    Keep,
    Close,
}

impl AtExec {
    /// Of open's flags.
    pub(crate) fn from_flags(flags: u64) -> Self {
        if flags & O_CLOEXEC == 0 {
            Self::Keep
        } else {
            Self::Close
        }
    }
}

/// Open files by descriptor number.
#[derive(Clone, Debug)]
pub(crate) struct OpenFiles {
    files: [Option<FileRef>; MAX_OPEN],
    /// One bit for each number: [`AtExec::Close`].
    closed_at_exec: u32,
}
const _: () = assert!(MAX_OPEN <= u32::BITS as usize);

impl OpenFiles {
    /// Input, output and error output, all the same file.
    pub(crate) fn with_standard_streams(console: &FileRef) -> Self {
        let mut files = [const { None }; MAX_OPEN];
        files[..3].fill(Some(console.clone()));
        Self {
            files,
            closed_at_exec: 0,
        }
    }

    /// EMFILE when there is no number for another file.
    pub(crate) fn check_room(&self) -> Result<(), Errno> {
        self.free_number().map(|_| ())
    }

    /// Adds under the lowest number that is free.
    pub(crate) fn add(&mut self, file: FileRef, at_exec: AtExec) -> Result<u64, Errno> {
        let number = self.free_number()?;
        self.files[number] = Some(file);
        self.closed_at_exec &= !(1 << number);
        self.closed_at_exec |= u32::from(at_exec == AtExec::Close) << number;
        Ok(number as u64)
    }

    /// Descriptors are C ints, here as everywhere, but a number that large is open nowhere.
    pub(crate) fn get(&self, number: u64) -> Result<&FileRef, Errno> {
        let slot = self.files.get(number as usize);
        slot.and_then(Option::as_ref).ok_or(Errno::EBADF)
    }

    pub(crate) fn close(&mut self, number: u64) -> Result<(), Errno> {
        self.get(number)?;
        self.files[number as usize] = None;
        Ok(())
    }

    /// Another program begins.
    pub(crate) fn close_at_exec(&mut self) {
        for (number, file) in self.files.iter_mut().enumerate() {
            if self.closed_at_exec & 1 << number != 0 {
                *file = None;
            }
        }
        self.closed_at_exec = 0;
    }

    /// The process has ended.
    pub(crate) fn close_all(&mut self) {
        self.files = [const { None }; MAX_OPEN];
    }

    fn free_number(&self) -> Result<usize, Errno> {
        self.files.iter().position(Option::is_none).ok_or(Errno::EMFILE)
    }
}

#[cfg(test)]
mod tests {
    use super::super::open_file::tests::{alone, some_file};
    use super::{AtExec, Errno, MAX_OPEN, OpenFiles};

    fn standard() -> OpenFiles {
        OpenFiles::with_standard_streams(&some_file())
    }

    #[test]
    fn the_lowest_free_number_is_used_again() {
        let _alone = alone();
        let mut files = standard();
        assert_eq!(files.add(some_file(), AtExec::Keep), Ok(3));
        files.close(1).unwrap();
        let file = some_file();
        assert_eq!(files.add(file.clone(), AtExec::Keep), Ok(1));
        assert!(core::ptr::eq(
            &raw const **files.get(1).unwrap(),
            &raw const *file
        ));
    }

    #[test]
    fn another_program_has_what_was_not_to_be_closed() {
        let _alone = alone();
        let mut files = standard();
        assert_eq!(files.add(some_file(), AtExec::Close), Ok(3));
        assert_eq!(files.add(some_file(), AtExec::Keep), Ok(4));
        files.close_at_exec();
        assert_eq!(files.get(3).err(), Some(Errno::EBADF));
        assert!(files.get(4).is_ok());
        assert_eq!(files.add(some_file(), AtExec::Keep), Ok(3));
        files.close_at_exec();
        assert!(files.get(3).is_ok());
    }

    #[test]
    fn what_a_child_inherits_is_the_same_description() {
        let _alone = alone();
        let files = standard();
        let inherited = files.clone();
        let (file, inherited) = (files.get(0).unwrap(), inherited.get(2).unwrap());
        assert!(core::ptr::eq(&raw const **file, &raw const **inherited));
    }

    #[test]
    fn numbers_that_are_not_open_are_refused() {
        let _alone = alone();
        let mut files = standard();
        assert_eq!(files.get(3).err(), Some(Errno::EBADF));
        assert_eq!(files.close(u64::MAX), Err(Errno::EBADF));
    }

    #[test]
    fn there_is_an_end_to_open_files() {
        let _alone = alone();
        let mut files = standard();
        for _ in 3..MAX_OPEN {
            files.add(some_file(), AtExec::Keep).unwrap();
        }
        assert_eq!(files.check_room(), Err(Errno::EMFILE));
        assert_eq!(files.add(some_file(), AtExec::Keep), Err(Errno::EMFILE));
    }
}
