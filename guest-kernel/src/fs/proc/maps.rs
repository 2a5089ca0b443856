//! `/proc/PID/maps`: one line for each area, as Linux writes it.

use core::fmt::{self, Write};

use super::super::operations::{FileOperations, Status};
use super::super::text::Text;
use super::super::{OpenFile, initrd, pieces, seek};
use crate::errno::Errno;
use crate::mm::{AddressSpace, AreaRole, AreaView, UserSlice};
use crate::process::MemoryHandle;

/// Column at which the name starts.
const NAME_COLUMN: usize = 73;
/// Most bytes of a path of the initrd that are shown; no longer path can be opened.
const LONGEST_PATH: usize = 256;

#[derive(Debug)]
pub(super) struct Maps(pub(super) Result<MemoryHandle, Errno>);

impl FileOperations for Maps {
    fn open(&self, _: &OpenFile) -> Result<(), Errno> {
        self.0.map(drop)
    }

    fn read(&self, _: &OpenFile, position: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        let text = self.0?.with(|space| text(space));
        let text = text.transpose().map_err(|fmt::Error| Errno::ENOMEM)?;
        pieces::read_contents(position, to, text.unwrap_or_default().as_bytes())
    }

    fn seek(&self, file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
        seek::in_text(file, offset, whence)
    }

    fn status(&self) -> Status {
        Status::regular(0o444, 0)
    }
}

fn text(space: &AddressSpace) -> Result<Text, fmt::Error> {
    let mut text = Text::default();
    for area in space.views() {
        add_line(&mut text, &area)?;
    }
    Ok(text)
}

fn add_line(text: &mut Text, area: &AreaView<'_>) -> fmt::Result {
    let line_start = text.len();
    let flag = |is_set: bool, letter: char| if is_set { letter } else { '-' };
    let protection = area.protection;
    let mut cached = [0; LONGEST_PATH];
    let (offset, name): (u64, [&[u8]; 2]) = match area.role {
        AreaRole::File { file, offset_bytes } => match initrd::path_of(file.address()) {
            Some(path) => {
                let len = path.read(0, &mut cached);
                (offset_bytes, [b"/", &cached[..len]])
            }
            None => (offset_bytes, [b"", b""]),
        },
        AreaRole::Heap => (0, [b"[heap]", b""]),
        AreaRole::Stack => (0, [b"[stack]", b""]),
        AreaRole::Device { first } => (first.as_u64(), [b"/dev/mem", b""]),
        AreaRole::Driver { path, offset_bytes } => (offset_bytes, path),
        AreaRole::Memory => (0, [b"", b""]),
    };
    write!(
        text,
        "{:08x}-{:08x} {}{}{}{} {offset:08x} 00:00 0",
        area.start.as_u64(),
        area.end.as_u64(),
        flag(!protection.is_none(), 'r'),
        flag(protection.allows_write(), 'w'),
        flag(protection.allows_execute(), 'x'),
        if area.is_shared { 's' } else { 'p' },
    )?;
    if name != [b"", b""] {
        while text.len() < line_start + NAME_COLUMN {
            text.push(b" ")?;
        }
        name.iter().try_for_each(|part| text.push(part))?;
    }
    text.push(b"\n")
}
