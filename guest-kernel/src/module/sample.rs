//! Objects for tests.

use super::elf::Relocation;

pub(super) const PROGBITS: u32 = 1;
pub(super) const SYMTAB: u32 = 2;
pub(super) const STRTAB: u32 = 3;
pub(super) const RELA: u32 = 4;
pub(super) const NOBITS: u32 = 8;
pub(super) const WRITE: u64 = 1;
pub(super) const ALLOC: u64 = 2;
pub(super) const EXECUTE: u64 = 4;

/// Numbers of the sections of [`Sample::new`].
pub(super) const TEXT: usize = 2;
pub(super) const CONSTANTS: usize = 3;
pub(super) const DATA: usize = 4;
pub(super) const BSS: usize = 5;
pub(super) const SYMBOLS: usize = 6;
pub(super) const RELOCATIONS: usize = 7;

/// Numbers of its symbols: each of the four sections, what the kernel offers, and a number.
pub(super) const SYMBOL_TEXT: u32 = 1;
pub(super) const SYMBOL_DATA: u32 = 3;
pub(super) const SYMBOL_KERNEL: u32 = 5;
pub(super) const SYMBOL_NUMBER: u32 = 6;

/// Name of the symbol that the kernel offers, and the number.
pub(super) const KERNEL_NAME: &[u8] = b"printk";
pub(super) const NUMBER: u64 = 0x1234;

/// A section to be written.
#[derive(Clone)]
pub(super) struct Raw {
    pub(super) name: u32,
    pub(super) kind: u32,
    pub(super) flags: u64,
    pub(super) contents: Vec<u8>,
    pub(super) bytes: u64,
    pub(super) link: u32,
    pub(super) info: u32,
    pub(super) alignment: u64,
    pub(super) entry_bytes: u64,
}

/// An object to be written: code of 32 bytes, constants of 8, data of 16, and 24 that are zero.
#[derive(Clone)]
pub(super) struct Sample(pub(super) Vec<Raw>);

impl Sample {
    pub(super) fn new(relocations: &[Relocation]) -> Self {
        let strings = [b"\0.text\0", KERNEL_NAME, b"\0"].concat();
        let mut symbols = vec![0; 24];
        for section in [TEXT, CONSTANTS, DATA, BSS] {
            symbols.extend(symbol(0, section as u16, 0));
        }
        symbols.extend(symbol(7, 0, 0));
        symbols.extend(symbol(0, 0xfff1, NUMBER));
        let entries = relocations.iter().flat_map(|relocation| {
            let place = relocation.offset.to_le_bytes();
            let kind = relocation.kind.to_le_bytes();
            let symbol = relocation.symbol.to_le_bytes();
            [&place[..], &kind, &symbol, &relocation.addend.to_le_bytes()].concat()
        });
        let mut table = section(SYMTAB, 0, symbols);
        (table.link, table.entry_bytes) = (1, 24);
        let mut rela = section(RELA, 0, entries.collect());
        (rela.link, rela.info, rela.entry_bytes) = (SYMBOLS as u32, TEXT as u32, 24);
        let mut bss = section(NOBITS, ALLOC | WRITE, Vec::new());
        bss.bytes = 24;
        let mut text = section(PROGBITS, ALLOC | EXECUTE, vec![0x90; 32]);
        (text.name, text.alignment) = (1, 16);
        Self(vec![
            section(0, 0, Vec::new()),
            section(STRTAB, 0, strings),
            text,
            section(PROGBITS, ALLOC, vec![0xc0; 8]),
            section(PROGBITS, ALLOC | WRITE, vec![0xda; 16]),
            bss,
            table,
            rela,
        ])
    }

    /// The same with a section changed.
    pub(super) fn with(&self, index: usize, change: impl FnOnce(&mut Raw)) -> Self {
        let mut changed = self.clone();
        change(&mut changed.0[index]);
        changed
    }

    /// Header, contents, section headers.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut file = vec![0; 64];
        let mut headers = Vec::new();
        for section in &self.0 {
            let numbers = [section.flags, 0, file.len() as u64, section.bytes];
            headers.extend(section.name.to_le_bytes());
            headers.extend(section.kind.to_le_bytes());
            headers.extend(numbers.into_iter().flat_map(u64::to_le_bytes));
            headers.extend(section.link.to_le_bytes());
            headers.extend(section.info.to_le_bytes());
            headers.extend(section.alignment.to_le_bytes());
            headers.extend(section.entry_bytes.to_le_bytes());
            file.extend(&section.contents);
        }
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        put(&mut file, 16, &1_u16.to_le_bytes());
        put(&mut file, 18, &62_u16.to_le_bytes());
        let at = file.len() as u64;
        put(&mut file, 40, &at.to_le_bytes());
        put(&mut file, 58, &64_u16.to_le_bytes());
        put(&mut file, 60, &(self.0.len() as u16).to_le_bytes());
        put(&mut file, 62, &1_u16.to_le_bytes());
        file.extend(headers);
        file
    }
}

pub(super) fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

fn section(kind: u32, flags: u64, contents: Vec<u8>) -> Raw {
    Raw {
        name: 0,
        kind,
        flags,
        bytes: contents.len() as u64,
        contents,
        link: 0,
        info: 0,
        alignment: 8,
        entry_bytes: 0,
    }
}

fn symbol(name: u32, section: u16, value: u64) -> Vec<u8> {
    let mut bytes = name.to_le_bytes().to_vec();
    bytes.extend([0, 0]);
    bytes.extend(section.to_le_bytes());
    bytes.extend(value.to_le_bytes());
    bytes.extend([0; 8]);
    bytes
}
