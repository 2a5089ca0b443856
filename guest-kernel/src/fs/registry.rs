//! What drivers have registered under a name: their character devices and their files in `/proc`. No hardware.
//!
//! An entry is in use while a description that was opened by its name, or a mapping of one, is left. It cannot be taken away until
//! then, so a driver that takes its entries away before it goes is never called again.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::operations::{FileOperations, Status};
use crate::errno::Errno;
use crate::mm::try_rc;
use crate::mutant::{self, Mutant};

/// Most entries of a registry.
const MAX_ENTRIES: usize = 64;
/// Longest name.
const MAX_NAME_BYTES: usize = 64;

/// Where a name is found, and what that makes of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In `/dev`: a character device.
    Device {
        /// Its number.
        major: u32,
    },
    /// In `/proc`.
    Proc,
}

impl Place {
    fn directory(self) -> &'static [u8] {
        match self {
            Self::Device { .. } => b"/dev/",
            Self::Proc => b"/proc/",
        }
    }
}

/// A name and what is behind it.
#[derive(Debug)]
pub(crate) struct Entry {
    place: Place,
    name: Vec<u8>,
    operations: Rc<dyn FileOperations>,
}

impl Entry {
    /// EINVAL for a name that cannot stand in a path.
    pub(super) fn new(
        place: Place,
        name: &[u8],
        operations: Rc<dyn FileOperations>,
    ) -> Result<Rc<Self>, Errno> {
        let is_name = !name.is_empty() && name.len() <= MAX_NAME_BYTES;
        if !is_name || name.iter().any(|byte| matches!(byte, b'/' | 0)) {
            return Err(Errno::EINVAL);
        }
        let mut copy = Vec::new();
        copy.try_reserve_exact(name.len()).map_err(|_| Errno::ENOMEM)?;
        copy.extend_from_slice(name);
        Ok(try_rc(Self {
            place,
            name: copy,
            operations,
        })?)
    }

    pub(super) fn operations(&self) -> &Rc<dyn FileOperations> {
        &self.operations
    }

    pub(super) fn status(&self) -> Status {
        match self.place {
            Place::Device { major } => Status::character_device(0o600, major),
            Place::Proc => Status::regular(0o444, 0),
        }
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Number of the device; None for a file in `/proc`.
    pub(super) fn major(&self) -> Option<u32> {
        match self.place {
            Place::Device { major } => Some(major),
            Place::Proc => None,
        }
    }

    /// Both parts of the path that leads to it.
    pub(crate) fn path(&self) -> [&[u8]; 2] {
        [self.place.directory(), &self.name]
    }
}

/// Entries of one directory. No two have the same name.
#[derive(Debug)]
pub(super) struct Registry(Vec<Rc<Entry>>);

impl Registry {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Rc<Entry>> {
        self.0.iter()
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<&Rc<Entry>> {
        self.iter().find(|entry| entry.name == name)
    }

    /// EEXIST for a name that another entry has, ENOMEM when there is no place or no memory.
    pub(super) fn add(&mut self, entry: Rc<Entry>) -> Result<(), Errno> {
        if self.find(&entry.name).is_some() {
            return Err(Errno::EEXIST);
        }
        if self.0.len() == MAX_ENTRIES {
            return Err(Errno::ENOMEM);
        }
        self.0.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.0.push(entry);
        Ok(())
    }

    /// Takes an entry out and gives it back, to be dropped when nothing is held: ENOENT when there is none that is wanted, EBUSY
    /// when it is in use.
    pub(super) fn remove(&mut self, is_wanted: impl Fn(&Entry) -> bool) -> Result<Rc<Entry>, Errno> {
        let found = self
            .iter()
            .position(|entry| is_wanted(entry))
            .ok_or(Errno::ENOENT)?;
        if Rc::strong_count(&self.0[found]) > 1 && !mutant::is(Mutant::DriverGoesInUse) {
            return Err(Errno::EBUSY);
        }
        Ok(self.0.remove(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nothing;

    impl FileOperations for Nothing {}

    fn entry(name: &[u8]) -> Result<Rc<Entry>, Errno> {
        Entry::new(Place::Proc, name, Rc::new(Nothing))
    }

    fn with_entry(name: &[u8]) -> Registry {
        let mut registry = Registry::new();
        registry.add(entry(name).unwrap()).unwrap();
        registry
    }

    #[test]
    fn a_name_leads_to_one_entry_only() {
        let mut registry = with_entry(b"one");
        assert_eq!(registry.find(b"one").unwrap().name(), b"one");
        assert!(registry.find(b"on").is_none());
        assert_eq!(registry.add(entry(b"one").unwrap()), Err(Errno::EEXIST));
    }

    #[test]
    fn names_that_no_path_can_hold_are_refused() {
        for name in [&b""[..], b"a/b", b"a\0", &[b'a'; MAX_NAME_BYTES + 1]] {
            assert_eq!(entry(name).err(), Some(Errno::EINVAL));
        }
    }

    #[test]
    fn an_entry_goes_when_nobody_uses_it() {
        let mut registry = with_entry(b"one");
        let user = registry.find(b"one").unwrap().clone();
        let is_one = |entry: &Entry| entry.name() == b"one";
        assert_eq!(registry.remove(is_one).err(), Some(Errno::EBUSY));
        drop(user);
        assert!(registry.remove(is_one).is_ok());
        assert_eq!(registry.remove(is_one).err(), Some(Errno::ENOENT));
    }

    #[test]
    fn there_is_an_end_to_entries() {
        let mut registry = Registry::new();
        for number in 0..MAX_ENTRIES {
            registry
                .add(entry(number.to_string().as_bytes()).unwrap())
                .unwrap();
        }
        assert_eq!(registry.add(entry(b"more").unwrap()), Err(Errno::ENOMEM));
    }
}
