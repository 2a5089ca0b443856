//! An open file description: what open makes, and what every descriptor and mapping that comes from it shares, the position
//! among it.
//!
//! When the last of them is gone the file's operations learn of it, once. That happens at the end of the system call, or of the
//! process, when nothing is held: see [`release_ended`].

use alloc::rc::Rc;
use core::cell::Cell;
use core::fmt;
use core::ops::Deref;
use core::sync::atomic::{AtomicBool, Ordering};

use abi::linux::syscall::{O_ACCMODE, O_RDONLY, O_RDWR, O_WRONLY, SEEK_MAX};

use super::operations::{FileOperations, Status};
use super::registry::Entry;
use crate::errno::Errno;
use crate::mm::{CachedBytes, NewArea, UserSlice, try_rc};
use crate::net::Socket;
use crate::sync::Lock;

/// Longest transfer (`MAX_RW_COUNT`).
const MAX_TRANSFER_BYTES: u64 = 0x7fff_f000;

/// What a file was opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenMode(u64);

impl OpenMode {
    pub(crate) const READ_WRITE: Self = Self(O_RDWR);
    pub(crate) const READ: Self = Self(O_RDONLY);

    /// Of open's flags.
    pub(crate) fn from_flags(flags: u64) -> Self {
        Self(flags & O_ACCMODE)
    }

    pub(crate) fn reads(self) -> bool {
        matches!(self.0, O_RDONLY | O_RDWR)
    }

    pub(crate) fn writes(self) -> bool {
        matches!(self.0, O_WRONLY | O_RDWR)
    }
}

/// What a path leads to.
#[derive(Debug)]
pub(crate) struct Node {
    pub(super) operations: Rc<dyn FileOperations>,
    /// None: it is not registered, and nothing that could go away.
    pub(super) entry: Option<Rc<Entry>>,
    /// Number of the user that it belongs to.
    pub(super) owner: u32,
}

impl Node {
    /// A file of the superuser's that can be made at any time.
    pub(super) fn new(operations: impl FileOperations + 'static) -> Result<Self, Errno> {
        Ok(Self {
            operations: try_rc(operations)?,
            entry: None,
            owner: 0,
        })
    }

    pub(super) fn of_entry(entry: Rc<Entry>) -> Self {
        Self {
            operations: entry.operations().clone(),
            entry: Some(entry),
            owner: 0,
        }
    }

    pub(crate) fn status(&self) -> Status {
        match &self.entry {
            Some(entry) => entry.status(),
            None => self.operations.status(),
        }
    }
}

/// A file, what it was opened for, and where it is read next.
pub(crate) struct OpenFile {
    node: Node,
    mode: OpenMode,
    position: Cell<u64>,
    private: Cell<u64>,
    /// The description that ended before this one, once this one has.
    next_ended: Cell<Option<Rc<Self>>>,
}

impl OpenFile {
    /// Opens what a path led to.
    pub(super) fn open(node: Node, mode: OpenMode) -> Result<FileRef, Errno> {
        let file = try_rc(Self {
            node,
            mode,
            position: Cell::new(0),
            private: Cell::new(0),
            next_ended: Cell::new(None),
        })?;
        file.node.operations.open(&file)?;
        Ok(FileRef(Some(file)))
    }

    pub(crate) fn mode(&self) -> OpenMode {
        self.mode
    }

    pub(crate) fn position(&self) -> u64 {
        self.position.get()
    }

    /// A word that is the driver's, 0 at first.
    pub(crate) fn private(&self) -> u64 {
        self.private.get()
    }

    pub(crate) fn set_private(&self, word: u64) {
        self.private.set(word);
    }

    pub(crate) fn status(&self) -> Status {
        self.node.status()
    }

    /// What it is registered as.
    pub(crate) fn entry(&self) -> Option<&Entry> {
        self.node.entry.as_deref()
    }

    /// Two threads that do this at the same time start at the same place, unless one is done before the other begins: only a
    /// file that gives way half-way lets them. Linux has one of them wait.
    pub(crate) fn read(&self, buffer: u64, count: u64) -> Result<u64, Errno> {
        let mut position = self.position.get();
        let moved = self.read_from(&mut position, buffer, count)?;
        self.position.set(position);
        Ok(moved)
    }

    /// As [`Self::read`].
    pub(crate) fn write(&self, buffer: u64, count: u64) -> Result<u64, Errno> {
        let mut position = self.position.get();
        let moved = self.write_from(&mut position, buffer, count)?;
        self.position.set(position);
        Ok(moved)
    }

    pub(crate) fn read_at(&self, mut position: u64, buffer: u64, count: u64) -> Result<u64, Errno> {
        self.check_positions()?;
        self.read_from(&mut position, buffer, count)
    }

    pub(crate) fn write_at(&self, mut position: u64, buffer: u64, count: u64) -> Result<u64, Errno> {
        self.check_positions()?;
        self.write_from(&mut position, buffer, count)
    }

    pub(crate) fn seek(&self, offset: u64, whence: u32) -> Result<u64, Errno> {
        if whence > SEEK_MAX {
            return Err(Errno::EINVAL);
        }
        let operations = &self.node.operations;
        let position = operations.seek(self, offset.cast_signed(), whence)?;
        self.position.set(position);
        Ok(position)
    }

    pub(crate) fn ioctl(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        self.node.operations.ioctl(self, request, argument)
    }

    /// ENOTSOCK when it is none.
    pub(crate) fn socket(&self) -> Result<&Socket, Errno> {
        self.node.operations.socket().ok_or(Errno::ENOTSOCK)
    }

    /// What it is ready for: bits of [`abi::linux::poll`].
    pub(crate) fn poll(&self) -> u16 {
        self.node.operations.poll(self)
    }

    pub(crate) fn mmap(&self, area: &mut NewArea) -> Result<(), Errno> {
        self.node.operations.mmap(self, area)
    }

    /// Of a file that lies in the page cache and is open for reading: all that is in it.
    pub(crate) fn contents(&self) -> Option<CachedBytes> {
        self.node.operations.contents().filter(|_| self.mode.reads())
    }

    fn read_from(&self, position: &mut u64, buffer: u64, count: u64) -> Result<u64, Errno> {
        if !self.mode.reads() {
            return Err(Errno::EBADF);
        }
        let to = UserSlice::new(buffer, count.min(MAX_TRANSFER_BYTES))?;
        self.node.operations.read(self, position, to)
    }

    fn write_from(&self, position: &mut u64, buffer: u64, count: u64) -> Result<u64, Errno> {
        if !self.mode.writes() {
            return Err(Errno::EBADF);
        }
        let from = UserSlice::new(buffer, count.min(MAX_TRANSFER_BYTES))?;
        self.node.operations.write(self, position, from)
    }

    fn check_positions(&self) -> Result<(), Errno> {
        if self.node.operations.is_stream() {
            Err(Errno::ESPIPE)
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFile")
            .field("node", &self.node)
            .field("mode", &self.mode)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// One of those that share a description. The last one that is dropped ends it.
#[derive(Clone, Debug)]
pub(crate) struct FileRef(Option<Rc<OpenFile>>);

impl Deref for FileRef {
    type Target = OpenFile;

    fn deref(&self) -> &OpenFile {
        self.0
            .as_deref()
            .expect("the description is taken out only by drop")
    }
}

impl Drop for FileRef {
    fn drop(&mut self) {
        if let Some(file) = self.0.take()
            && Rc::strong_count(&file) == 1
        {
            file.next_ended.set(LAST_ENDED.lock().take());
            *LAST_ENDED.lock() = Some(file);
            SOME_ENDED.store(true, Ordering::Relaxed);
        }
    }
}

/// The description that ended last; it leads to those before it.
static LAST_ENDED: Lock<Option<Rc<OpenFile>>> = Lock::new(None);
static SOME_ENDED: AtomicBool = AtomicBool::new(false);

/// Tells the operations of descriptions that have ended. To be called with nothing held, before another thread can run.
pub(crate) fn release_ended() {
    while SOME_ENDED.load(Ordering::Relaxed) {
        let Some(file) = take_ended() else { return };
        file.node.operations.release(&file);
    }
}

fn take_ended() -> Option<Rc<OpenFile>> {
    let mut last = LAST_ENDED.lock();
    let file = last.take();
    *last = file.as_ref().and_then(|file| file.next_ended.take());
    SOME_ENDED.store(last.is_some(), Ordering::Relaxed);
    file
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::*;

    const READ: OpenMode = OpenMode::READ;

    /// Descriptions that end are in one list for all, which the kernel has one processor for.
    pub(crate) fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts.
    #[derive(Debug, Default)]
    struct Counter {
        opened: Rc<Cell<u32>>,
        released: Rc<Cell<u32>>,
        refuses: bool,
    }

    impl FileOperations for Counter {
        fn open(&self, _: &OpenFile) -> Result<(), Errno> {
            self.opened.set(self.opened.get() + 1);
            if self.refuses { Err(Errno::EBUSY) } else { Ok(()) }
        }

        fn release(&self, _: &OpenFile) {
            self.released.set(self.released.get() + 1);
        }

        fn seek(&self, _: &OpenFile, offset: i64, _: u32) -> Result<u64, Errno> {
            Ok(offset.cast_unsigned())
        }
    }

    /// A file in which everything but opening and seeking fails as by default.
    pub(crate) fn some_file() -> FileRef {
        open(Counter::default(), OpenMode::READ_WRITE).unwrap()
    }

    fn open(counter: Counter, mode: OpenMode) -> Result<FileRef, Errno> {
        OpenFile::open(Node::new(counter)?, mode)
    }

    #[test]
    fn a_description_is_released_once_after_its_last_reference_and_not_before_it_is_asked_for() {
        let _alone = alone();
        let counter = Counter::default();
        let released = counter.released.clone();
        let first = open(counter, READ).unwrap();
        let second = first.clone();
        drop(first);
        release_ended();
        assert_eq!(released.get(), 0);
        drop(second);
        assert_eq!(released.get(), 0);
        release_ended();
        release_ended();
        assert_eq!(released.get(), 1);
    }

    #[test]
    fn several_that_end_at_once_are_all_released() {
        let _alone = alone();
        let released = Rc::new(Cell::new(0));
        let files = [(); 3].map(|()| {
            let counter = Counter {
                released: released.clone(),
                ..Counter::default()
            };
            open(counter, READ).unwrap()
        });
        drop(files);
        release_ended();
        assert_eq!(released.get(), 3);
    }

    #[test]
    fn what_refuses_to_be_opened_is_not_released() {
        let _alone = alone();
        let counter = Counter {
            refuses: true,
            ..Counter::default()
        };
        let (opened, released) = (counter.opened.clone(), counter.released.clone());
        assert_eq!(open(counter, READ).err(), Some(Errno::EBUSY));
        release_ended();
        assert_eq!((opened.get(), released.get()), (1, 0));
    }

    #[test]
    fn a_position_is_the_descriptions() {
        let _alone = alone();
        let first = some_file();
        let second = first.clone();
        assert_eq!(first.seek(7, 0), Ok(7));
        assert_eq!(second.position(), 7);
        assert_eq!(first.seek(0, SEEK_MAX + 1), Err(Errno::EINVAL));
    }

    #[test]
    fn what_a_file_cannot_do_fails_as_on_linux() {
        let _alone = alone();
        let file = some_file();
        assert_eq!(file.read(0, 1), Err(Errno::EINVAL));
        assert_eq!(file.write(0, 1), Err(Errno::EINVAL));
        assert_eq!(file.ioctl(1, 2), Err(Errno::ENOTTY));
        assert_eq!(file.read(u64::MAX, 1), Err(Errno::EFAULT));
    }

    #[test]
    fn a_file_does_only_what_it_was_opened_for() {
        let _alone = alone();
        let open = |flags| open(Counter::default(), OpenMode::from_flags(flags)).unwrap();
        assert_eq!(open(O_WRONLY).read(0, 1), Err(Errno::EBADF));
        assert_eq!(open(O_RDONLY).write(0, 1), Err(Errno::EBADF));
        let neither = open(O_ACCMODE);
        assert_eq!(neither.read(0, 1), Err(Errno::EBADF));
        assert_eq!(neither.write(0, 1), Err(Errno::EBADF));
    }
}
