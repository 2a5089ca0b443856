//! Character devices by name and number. `/dev/NAME` opens the one that is registered as NAME.
//!
//! - `console`, `memory`: the two devices that are always there

mod console;
mod memory;

use alloc::rc::Rc;
use core::fmt::{self, Write};

use super::operations::FileOperations;
use super::registry::{Entry, Place, Registry};
use super::text::Text;
use super::{FileRef, Node, OpenFile, OpenMode};
use crate::errno::Errno;
use crate::mm::try_rc;
use crate::sync::Lock;

static DEVICES: Lock<Registry> = Lock::new(Registry::new());

const CONSOLE: &[u8] = b"console";
const MEMORY: &[u8] = b"mem";
/// Linux's numbers of the two.
const CONSOLE_MAJOR: u32 = 5;
const MEMORY_MAJOR: u32 = 1;
/// Highest number of a device.
const LAST_MAJOR: u32 = 511;

/// Registers the devices that are always there.
pub(crate) fn init() {
    register_own(CONSOLE_MAJOR, CONSOLE, console::Console);
    register_own(MEMORY_MAJOR, MEMORY, memory::Memory);
}

fn register_own(major: u32, name: &[u8], operations: impl FileOperations + 'static) {
    let operations = try_rc(operations).expect("memory is plenty at boot");
    register_chrdev(major, name, operations).expect("no other device has the number or the name yet");
}

/// Registers a device under a number, 0 for any that is free, and gives the number. EINVAL for a number or name that cannot be,
/// EBUSY when no such number is free, EEXIST for a name that another device has.
pub(crate) fn register_chrdev(
    major: u32,
    name: &[u8],
    operations: Rc<dyn FileOperations>,
) -> Result<u32, Errno> {
    if major > LAST_MAJOR {
        return Err(Errno::EINVAL);
    }
    let mut devices = DEVICES.lock();
    let is_free = |wanted: &u32| devices.iter().all(|entry| entry.major() != Some(*wanted));
    let major = match major {
        0 => free_numbers().find(is_free),
        wanted => Some(wanted).filter(is_free),
    };
    let major = major.ok_or(Errno::EBUSY)?;
    devices.add(Entry::new(Place::Device { major }, name, operations)?)?;
    Ok(major)
}

/// Takes a device away. ENOENT when there is none of that number and name; EBUSY while it is open or mapped.
pub(crate) fn unregister_chrdev(major: u32, name: &[u8]) -> Result<(), Errno> {
    let is_wanted = |entry: &Entry| entry.major() == Some(major) && entry.name() == name;
    let removed = DEVICES.lock().remove(is_wanted);
    removed.map(drop)
}

/// Numbers for those who do not care, in Linux's order.
fn free_numbers() -> impl Iterator<Item = u32> {
    (234..=254).rev().chain((384..=LAST_MAJOR).rev())
}

pub(super) fn find(name: &[u8]) -> Result<Node, Errno> {
    let entry = DEVICES.lock().find(name).cloned();
    entry.map(Node::of_entry).ok_or(Errno::ENOENT)
}

/// The console, open for the first process.
pub(crate) fn open_console() -> Result<FileRef, Errno> {
    OpenFile::open(find(CONSOLE)?, OpenMode::READ_WRITE)
}

/// The devices as Linux lists them, by number. Block devices are the kernel's own here.
pub(super) fn list() -> Result<Text, fmt::Error> {
    let devices = DEVICES.lock();
    let mut text = Text::default();
    text.push(b"Character devices:\n")?;
    let mut last = None;
    while let Some(entry) = next_after(&devices, last) {
        last = entry.major();
        write!(text, "{:3} ", last.unwrap_or_default())?;
        text.push(entry.name())?;
        text.push(b"\n")?;
    }
    text.push(b"\nBlock devices:\n")?;
    Ok(text)
}

fn next_after(devices: &Registry, last: Option<u32>) -> Option<&Entry> {
    let later = devices.iter().filter(|entry| entry.major() > last);
    later.min_by_key(|entry| entry.major()).map(|entry| &**entry)
}
