//! A kernel of a few instructions that has a symbol.

use crate::tiny_elf::{ENTRY, elf};

/// A kernel with a symbol table, by which `name` is a function that starts with the code.
pub(crate) fn elf_with_symbol(code: &[u8], name: &str) -> Vec<u8> {
    const SECTION_HEADER: u64 = 64;
    const SYMBOL: u64 = 24;
    let mut file = elf(code);
    let names_at = file.len() as u64;
    file.push(0);
    file.extend(name.as_bytes());
    file.push(0);
    let names_len = file.len() as u64 - names_at;
    let symbols_at = file.len() as u64;
    file.extend([0; SYMBOL as usize]);
    file.extend(1_u32.to_le_bytes()); // the name's place
    file.extend([0x12, 0]); // STB_GLOBAL, STT_FUNC
    file.extend(0xfff1_u16.to_le_bytes()); // SHN_ABS
    file.extend(u64::from(ENTRY).to_le_bytes());
    file.extend((code.len() as u64).to_le_bytes());
    let headers_at = file.len() as u64;
    file.extend([0; SECTION_HEADER as usize]);
    let mut section = |kind: u32, at: u64, len: u64, link: u32, entry_len: u64| {
        for word in [0, kind] {
            file.extend(word.to_le_bytes());
        }
        for field in [0, 0, at, len] {
            file.extend(field.to_le_bytes());
        }
        for word in [link, 1] {
            file.extend(word.to_le_bytes());
        }
        for field in [1, entry_len] {
            file.extend(field.to_le_bytes());
        }
    };
    section(2, symbols_at, 2 * SYMBOL, 2, SYMBOL); // SHT_SYMTAB
    section(3, names_at, names_len, 0, 0); // SHT_STRTAB
    file[40..48].copy_from_slice(&headers_at.to_le_bytes());
    for (at, field) in [(58, SECTION_HEADER), (60, 3), (62, 2)] {
        file[at..at + 2].copy_from_slice(&u16::try_from(field).expect("small").to_le_bytes());
    }
    file
}
