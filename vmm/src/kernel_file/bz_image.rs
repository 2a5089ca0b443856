//! Where the payload of a bzImage is (Linux `Documentation/arch/x86/boot.rst`).

use std::ops::Range;

/// Sectors of set-up code behind the boot sector; 0 means [`DEFAULT_SETUP_SECTORS`].
const SETUP_SECTORS: usize = 0x1f1;
const DEFAULT_SETUP_SECTORS: usize = 4;
const MAGIC: Range<usize> = 0x202..0x206;
const VERSION: Range<usize> = 0x206..0x208;
/// Relative to the code behind the set-up code.
const PAYLOAD_OFFSET: Range<usize> = 0x248..0x24c;
const PAYLOAD_LENGTH: Range<usize> = 0x24c..0x250;
/// The first version of the protocol with a payload.
const PAYLOAD_SINCE: u16 = 0x208;
const SECTOR_BYTES: usize = 512;

/// The compressed kernel in a bzImage; None when the file is none, or older than its payload's fields.
pub(super) fn payload(file: &[u8]) -> Option<&[u8]> {
    let version = u16::from_le_bytes(file.get(VERSION)?.try_into().ok()?);
    if file.get(MAGIC)? != b"HdrS" || version < PAYLOAD_SINCE {
        return None;
    }
    let sectors = match usize::from(*file.get(SETUP_SECTORS)?) {
        0 => DEFAULT_SETUP_SECTORS,
        sectors => sectors,
    };
    let code = (1 + sectors) * SECTOR_BYTES;
    let word = |at: Range<usize>| Some(u32::from_le_bytes(file.get(at)?.try_into().ok()?) as usize);
    let start = code.checked_add(word(PAYLOAD_OFFSET)?)?;
    file.get(start..start.checked_add(word(PAYLOAD_LENGTH)?)?)
}
