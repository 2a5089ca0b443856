//! The references of an object get their addresses.
//!
//! | type                    | what is stored                                | bytes |
//! |-------------------------|-----------------------------------------------|-------|
//! | 1 `64`                  | the symbol's address + addend                 | 8     |
//! | 2 `PC32`, 4 `PLT32`     | that, from the place itself on                | 4     |
//! | 10 `32`, 11 `32S`       | that, zero-extended or sign-extended when used | 4    |
//! | 24 `PC64`               | as `PC32`                                     | 8     |
//! | 9 `GOTPCREL`, 41, 42    | from the place to a word with the address     | 4     |
//!
//! Any other type is refused, and so is an address that its place has no room for.

use super::elf::{Object, Relocation, Symbol};
use super::error::LoadError;
use super::layout::{Layout, WORD_BYTES};

const R_X86_64_64: u32 = 1;
const R_X86_64_PC32: u32 = 2;
const R_X86_64_PLT32: u32 = 4;
const R_X86_64_GOTPCREL: u32 = 9;
const R_X86_64_32: u32 = 10;
const R_X86_64_32S: u32 = 11;
const R_X86_64_PC64: u32 = 24;
const R_X86_64_GOTPCRELX: u32 = 41;
const R_X86_64_REX_GOTPCRELX: u32 = 42;

/// Whether the relocation goes by way of a word with the address.
pub(super) fn needs_word(relocation: &Relocation) -> bool {
    matches!(
        relocation.kind,
        R_X86_64_GOTPCREL | R_X86_64_GOTPCRELX | R_X86_64_REX_GOTPCRELX
    )
}

/// Relocates what has been laid out in `memory`, which starts at `base` when the code runs. `find` knows what the kernel
/// offers.
pub(super) fn relocate<'a>(
    object: &Object<'a>,
    layout: &Layout,
    base: u64,
    memory: &mut [u8],
    find: impl Fn(&[u8]) -> Option<u64>,
) -> Result<(), LoadError<'a>> {
    let mut word = layout.words;
    for (section, relocations) in object.relocations() {
        let bytes = object.section(section).bytes;
        let Some(place) = layout.place_of(section) else {
            continue;
        };
        for relocation in relocations {
            let Relocation {
                offset, kind, symbol, ..
            } = relocation;
            let width = width_of(kind)?;
            if offset.checked_add(width).is_none_or(|end| end > bytes) {
                return Err(LoadError::RelocationOutside { kind, offset });
            }
            let mut target = address_of(object, layout, base, symbol, &find)?;
            if needs_word(&relocation) {
                store(memory, word, &target.to_le_bytes());
                target = base + word;
                word += WORD_BYTES;
            }
            let value = value_of(&relocation, target, base + place + offset)?;
            store(memory, place + offset, &value.to_le_bytes()[..width as usize]);
        }
    }
    Ok(())
}

/// Bytes that a relocation changes.
fn width_of<'a>(kind: u32) -> Result<u64, LoadError<'a>> {
    match kind {
        R_X86_64_64 | R_X86_64_PC64 => Ok(8),
        R_X86_64_32
        | R_X86_64_32S
        | R_X86_64_PC32
        | R_X86_64_PLT32
        | R_X86_64_GOTPCREL
        | R_X86_64_GOTPCRELX
        | R_X86_64_REX_GOTPCRELX => Ok(4),
        _ => Err(LoadError::UnknownRelocation { kind }),
    }
}

fn address_of<'a>(
    object: &Object<'a>,
    layout: &Layout,
    base: u64,
    index: u32,
    find: impl Fn(&[u8]) -> Option<u64>,
) -> Result<u64, LoadError<'a>> {
    match object.symbol(index)? {
        Symbol::Absolute { value } => Ok(value),
        Symbol::Undefined { name } => find(name).ok_or(LoadError::UnknownSymbol { name }),
        Symbol::Defined { section, offset } => {
            let place = layout.place_of(section).ok_or(LoadError::BadSymbol { index })?;
            Ok(base + place + offset)
        }
    }
}

/// What is stored at `place`, of a type that is known.
fn value_of<'a>(relocation: &Relocation, target: u64, place: u64) -> Result<u64, LoadError<'a>> {
    let Relocation {
        offset, kind, addend, ..
    } = *relocation;
    let absolute = target.wrapping_add_signed(addend);
    let relative = absolute.wrapping_sub(place);
    let fits_signed = |value: u64| i32::try_from(value.cast_signed()).is_ok();
    let (value, fits) = match kind {
        R_X86_64_64 => (absolute, true),
        R_X86_64_PC64 => (relative, true),
        R_X86_64_32 => (absolute, u32::try_from(absolute).is_ok()),
        R_X86_64_32S => (absolute, fits_signed(absolute)),
        _ => (relative, fits_signed(relative)),
    };
    fits.then_some(value)
        .ok_or(LoadError::RelocationOverflow { kind, offset })
}

/// The place has been checked.
fn store(memory: &mut [u8], at: u64, bytes: &[u8]) {
    memory[at as usize..][..bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests;
