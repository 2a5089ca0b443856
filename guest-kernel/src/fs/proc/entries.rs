//! Files in `/proc` that drivers have registered.

use alloc::rc::Rc;

use super::super::Node;
use super::super::operations::FileOperations;
use super::super::registry::{Entry, Place, Registry};
use super::{DEVICES, MODULES};
use crate::errno::Errno;
use crate::sync::Lock;

static ENTRIES: Lock<Registry> = Lock::new(Registry::new());

/// Makes `/proc/NAME`. EINVAL for a name that cannot be, EEXIST for one that is there.
pub(crate) fn create(name: &[u8], operations: Rc<dyn FileOperations>) -> Result<(), Errno> {
    let entry = Entry::new(Place::Proc, name, operations)?;
    let is_taken = name == b"self" || name == DEVICES || name == MODULES || super::number(name).is_some();
    if is_taken {
        return Err(Errno::EEXIST);
    }
    ENTRIES.lock().add(entry)
}

/// Takes it away. ENOENT when there is none; EBUSY while it is open or mapped, where Linux would close it under its users.
pub(crate) fn remove(name: &[u8]) -> Result<(), Errno> {
    let removed = ENTRIES.lock().remove(|entry| entry.name() == name);
    removed.map(drop)
}

pub(super) fn find(name: &[u8]) -> Result<Node, Errno> {
    let entry = ENTRIES.lock().find(name).cloned();
    entry.map(Node::of_entry).ok_or(Errno::ENOENT)
}
