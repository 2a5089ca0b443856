//! `/proc/self/maps`: one line for each area, as Linux writes it.

use alloc::vec::Vec;
use core::fmt::{self, Write};

use super::{Text, initrd};
use crate::errno::Errno;
use crate::mm::{AddressSpace, AreaRole, AreaView};

/// Column at which the name starts.
const NAME_COLUMN: usize = 73;

/// The text for an address space.
pub(crate) fn text(space: &AddressSpace) -> Result<Vec<u8>, Errno> {
    let mut text = Text::default();
    for area in space.views() {
        line(&mut text, &area).map_err(|fmt::Error| Errno::ENOMEM)?;
    }
    Ok(text.into_bytes())
}

fn line(text: &mut Text, area: &AreaView) -> fmt::Result {
    let line_start = text.len();
    let flag = |is_set: bool, letter: char| if is_set { letter } else { '-' };
    let protection = area.protection;
    let offset = match area.role {
        AreaRole::File { first } => initrd::file_at(first).map_or(0, |(_, offset)| offset),
        _ => 0,
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
    let name: &[u8] = match area.role {
        AreaRole::File { first } => initrd::file_at(first).map_or(b"", |(name, _)| name),
        AreaRole::Heap => b"[heap]",
        AreaRole::Stack => b"[stack]",
        AreaRole::Device => b"/dev/mem",
        AreaRole::Memory => b"",
    };
    if !name.is_empty() {
        while text.len() < line_start + NAME_COLUMN {
            text.push(b" ")?;
        }
        if matches!(area.role, AreaRole::File { .. }) {
            text.push(b"/")?;
        }
        text.push(name)?;
    }
    text.push(b"\n")
}
