//! `/proc`: files about processes, and those that drivers register.
//!
//! - `maps`, `memory` (as `mem`) and `pagemap` in `/proc/PID` and `/proc/self`; `exe` there is a link to the program's file
//! - `fail_nth` (as `fail-nth`) in `/proc/self` alone
//! - `listing`: `/proc/devices` and `/proc/modules`
//! - `entries`: what drivers have registered
//!
//! Who may open a file about a process is who may on Linux: the superuser, and a process of the same user and group that has not
//! changed them since it called execve. A process may always see its own areas.

mod entries;
mod fail_nth;
mod listing;
mod maps;
mod memory;
mod pagemap;

use super::initrd_file::InitrdFile;
use super::{Node, devices};
use crate::errno::Errno;
use crate::mm::CachedBytes;
use crate::module;
use crate::process::{self, Inspected};

use listing::Listing;

pub(crate) use entries::{create as proc_create, remove as remove_proc_entry};

/// The files here that are about no process and no driver's.
const DEVICES: &[u8] = b"devices";
const MODULES: &[u8] = b"modules";

/// The file that a link below `/proc/` leads to: EINVAL for what is no link.
pub(super) fn link(path: &[u8]) -> Result<CachedBytes, Errno> {
    match path.strip_suffix(b"/exe").and_then(process_number) {
        Some(number) => executable(process::inspect(number)?),
        None => find(path).and(Err(Errno::EINVAL)),
    }
}

/// ENOENT when the process has no memory any more.
fn executable(process: Inspected) -> Result<CachedBytes, Errno> {
    let file = process.memory?.with(|space| space.executable());
    file.flatten().ok_or(Errno::ENOENT)
}

/// What a path below `/proc/` leads to.
pub(super) fn find(path: &[u8]) -> Result<Node, Errno> {
    let Some(slash) = path.iter().position(|&byte| byte == b'/') else {
        return match path {
            DEVICES => Node::new(Listing(devices::list)),
            MODULES => Node::new(Listing(module::listing)),
            name => entries::find(name),
        };
    };
    let number = process_number(&path[..slash]).ok_or(Errno::ENOENT)?;
    let inspected = process::inspect(number)?;
    if &path[slash + 1..] == b"exe" {
        return Node::new(InitrdFile(executable(inspected)?));
    }
    let Inspected { memory, owner } = inspected;
    let node = match &path[slash + 1..] {
        b"maps" => Node::new(maps::Maps(memory)),
        b"mem" => Node::new(memory::Memory(memory)),
        b"pagemap" => Node::new(pagemap::PageMap::new(memory)),
        b"fail-nth" if process::with_current(|process| process.pid().as_u32() == number) => {
            Node::new(fail_nth::FailNth)
        }
        _ => Err(Errno::ENOENT),
    };
    Ok(Node { owner, ..node? })
}

/// The process that a directory in `/proc` is about.
fn process_number(name: &[u8]) -> Option<u32> {
    match name {
        b"self" => Some(process::with_current(|process| process.pid().as_u32())),
        digits => number(digits),
    }
}

/// A decimal number without leading zeros.
fn number(digits: &[u8]) -> Option<u32> {
    let text = core::str::from_utf8(digits).ok()?;
    let is_plain = digits.first().is_some_and(|digit| (b'1'..=b'9').contains(digit));
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_of_processes_are_written_in_one_way_only() {
        assert_eq!(number(b"17"), Some(17));
        for wrong in [&b""[..], b"0", b"017", b"+17", b"1x", b"4294967296"] {
            assert_eq!(number(wrong), None);
        }
    }
}
