//! What all ELF files have in common, for those who load them: programs ([`crate::fs::elf`]) and modules ([`crate::module`]).

/// Bytes of the header that a file begins with.
pub(crate) const HEADER_BYTES: usize = 64;
/// Magic, 64-bit, little endian, version 1.
pub(crate) const IDENTIFICATION: [u8; 7] = [0x7f, b'E', b'L', b'F', 2, 1, 1];
const MACHINE_X86_64: u16 = 62;

/// The header of a 64-bit x86-64 file of that type; None if it is another.
pub(crate) fn header_of(file: &[u8], wanted: u16) -> Option<&[u8]> {
    file.get(..HEADER_BYTES)
        .filter(|header| is_header_of(header, wanted))
}

/// Whether a whole header is one of a 64-bit x86-64 file of that type.
pub(crate) fn is_header_of(header: &[u8], wanted: u16) -> bool {
    header.starts_with(&IDENTIFICATION)
        && u16_at(header, 16) == wanted
        && u16_at(header, 18) == MACHINE_X86_64
}

/// Whether so many bytes from an offset on lie in a file of that length.
pub(crate) fn is_part(file_bytes: u64, offset: u64, bytes: u64) -> bool {
    offset.checked_add(bytes).is_some_and(|end| end <= file_bytes)
}

/// So many bytes from an offset on; None if they do not lie in the file.
pub(crate) fn part(file: &[u8], offset: u64, bytes: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(bytes).ok()?)?;
    file.get(start..end)
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

fn array_at<const BYTES: usize>(bytes: &[u8], at: usize) -> [u8; BYTES] {
    *bytes[at..]
        .first_chunk()
        .expect("headers are read in slices of their full length")
}
