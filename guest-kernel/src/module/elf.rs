//! Relocatable ELF objects, as far as the kernel loads them: 64-bit x86-64, with one symbol table.
//!
//! [`Object::parse`] checks every header once, so what comes after it finds sections inside the file, names inside their
//! tables, and references to sections that there are. What a symbol or a relocation says is checked when it is used.

use super::error::LoadError;
use crate::elf::{header_of, part, u16_at, u32_at, u64_at};

const SECTION_HEADER_BYTES: usize = 64;
const SYMBOL_BYTES: usize = 24;
const RELOCATION_BYTES: usize = 24;
const TYPE_RELOCATABLE: u16 = 1;

/// Kinds of sections.
const SHT_NULL: u32 = 0;
const SHT_SYMTAB: u32 = 2;
const SHT_STRTAB: u32 = 3;
const SHT_RELA: u32 = 4;
const SHT_NOBITS: u32 = 8;
const SHT_REL: u32 = 9;
/// Flags of sections.
const SHF_WRITE: u64 = 1;
const SHF_ALLOC: u64 = 2;
const SHF_EXECINSTR: u64 = 4;
const SHF_TLS: u64 = 1 << 10;

/// Places of symbols that are no sections.
const SHN_UNDEF: u16 = 0;
const SHN_FIRST_RESERVED: u16 = 0xff00;
const SHN_ABS: u16 = 0xfff1;

type Result<'a, T> = core::result::Result<T, LoadError<'a>>;

/// An object's headers, checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a> {
    file: &'a [u8],
    headers: &'a [u8],
    names: &'a [u8],
    symbols: &'a [u8],
    symbol_names: &'a [u8],
}

/// A section's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// Where in the table of names.
    name: u32,
    kind: u32,
    flags: u64,
    offset: u64,
    pub(super) bytes: u64,
    link: u32,
    info: u32,
    /// A power of two.
    pub(super) alignment: u64,
    entry_bytes: u64,
}

/// What may be done with a section that is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Text,
    ReadOnly,
    Data,
}

/// Where a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol<'a> {
    /// Outside: the kernel must have it.
    Undefined { name: &'a [u8] },
    /// A number of its own.
    Absolute { value: u64 },
    /// In a section of the object.
    Defined { section: usize, offset: u64 },
}

/// A place in a section that needs an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Relocation {
    pub(super) offset: u64,
    pub(super) kind: u32,
    pub(super) symbol: u32,
    pub(super) addend: i64,
}

impl<'a> Object<'a> {
    pub(super) fn parse(file: &'a [u8]) -> Result<'a, Self> {
        let header = header_of(file, TYPE_RELOCATABLE)
            .filter(|header| usize::from(u16_at(header, 58)) == SECTION_HEADER_BYTES)
            .ok_or(LoadError::NotAnObject)?;
        let count = u16_at(header, 60);
        let bytes = u64::from(count) * SECTION_HEADER_BYTES as u64;
        let headers = part(file, u64_at(header, 40), bytes).ok_or(LoadError::CutOff {
            part: "table of sections",
        })?;
        let mut object = Self {
            file,
            headers,
            names: &[],
            symbols: &[],
            symbol_names: &[],
        };
        object.names = object.strings(u16_at(header, 62).into())?;
        for (index, header) in object.raw_sections().enumerate() {
            object.check(index, header)?;
        }
        object.find_symbols()?;
        Ok(object)
    }

    fn find_symbols(&mut self) -> Result<'a, ()> {
        let mut tables = self.sections().filter(|(_, section)| section.kind == SHT_SYMTAB);
        let (index, table) = tables.next().ok_or(LoadError::CutOff { part: "symbol table" })?;
        if tables.next().is_some() {
            return Err(bad(index, "is one symbol table of several"));
        }
        self.symbols = self.contents(&table);
        self.symbol_names = self.strings(table.link as usize)?;
        Ok(())
    }

    fn check(&self, index: usize, header: &'a [u8]) -> Result<'a, ()> {
        let section = Section::read(header);
        if section.name as usize >= self.names.len() {
            return Err(bad(index, "has no name"));
        }
        let alignment = u64_at(header, 48);
        if section.kind == SHT_NULL {
            return Ok(());
        }
        if section.kind != SHT_NOBITS && part(self.file, section.offset, section.bytes).is_none() {
            return Err(LoadError::CutOff { part: "section" });
        }
        if alignment > abi::PAGE_SIZE || alignment > 0 && !alignment.is_power_of_two() {
            return Err(bad(
                index,
                "has an alignment that is no power of two up to a page",
            ));
        }
        let entries_of =
            |bytes: usize| section.entry_bytes == bytes as u64 && section.bytes.is_multiple_of(bytes as u64);
        let is_known = match section.kind {
            SHT_SYMTAB => entries_of(SYMBOL_BYTES),
            SHT_RELA => entries_of(RELOCATION_BYTES) && (section.info as usize) < self.section_count(),
            _ => true,
        };
        if !is_known {
            return Err(bad(index, "is not made of entries of its kind"));
        }
        if !section.is_loaded() {
            return Ok(());
        }
        if section.kind == SHT_REL || section.flags & SHF_TLS != 0 {
            return Err(bad(index, "is of a kind that is not loaded"));
        }
        if section.flags & SHF_WRITE != 0 && section.flags & SHF_EXECINSTR != 0 {
            return Err(bad(index, "is both writable and executable"));
        }
        Ok(())
    }

    pub(super) fn section_count(&self) -> usize {
        self.headers.len() / SECTION_HEADER_BYTES
    }

    /// All sections with their numbers.
    pub(super) fn sections(&self) -> impl Iterator<Item = (usize, Section)> + use<'a> {
        self.raw_sections().map(Section::read).enumerate()
    }

    /// A section by a number that is one.
    pub(super) fn section(&self, index: usize) -> Section {
        Section::read(&self.headers[index * SECTION_HEADER_BYTES..][..SECTION_HEADER_BYTES])
    }

    pub(super) fn is_named(&self, section: &Section, name: &str) -> bool {
        let rest = self.names[section.name as usize..].strip_prefix(name.as_bytes());
        rest.is_some_and(|rest| rest.starts_with(b"\0"))
    }

    /// What the file has of a section; nothing of one that is only zeros.
    pub(super) fn contents(&self, section: &Section) -> &'a [u8] {
        if section.kind == SHT_NOBITS {
            return &[];
        }
        part(self.file, section.offset, section.bytes).unwrap_or_default()
    }

    /// Sections that say what is to be relocated in others that are loaded, with the numbers of those.
    pub(super) fn relocations(
        &self,
    ) -> impl Iterator<Item = (usize, impl Iterator<Item = Relocation> + use<'a>)> + use<'a> {
        let object = *self;
        self.sections()
            .filter(|(_, section)| section.kind == SHT_RELA)
            .map(|(_, section)| (section.info as usize, section))
            .filter(move |(target, _)| object.section(*target).is_loaded())
            .map(move |(target, section)| {
                let entries = object.contents(&section).chunks_exact(RELOCATION_BYTES);
                (target, entries.map(Relocation::read))
            })
    }

    pub(super) fn symbol(&self, index: u32) -> Result<'a, Symbol<'a>> {
        let no_symbol = LoadError::BadSymbol { index };
        let bytes = part(
            self.symbols,
            u64::from(index) * SYMBOL_BYTES as u64,
            SYMBOL_BYTES as u64,
        );
        let bytes = bytes.ok_or(no_symbol)?;
        let value = u64_at(bytes, 8);
        match u16_at(bytes, 6) {
            // The first entry stands for no symbol at all.
            SHN_UNDEF if index == 0 => Ok(Symbol::Absolute { value: 0 }),
            SHN_UNDEF => {
                let name = string(self.symbol_names, u32_at(bytes, 0)).ok_or(no_symbol)?;
                Ok(Symbol::Undefined { name })
            }
            SHN_ABS => Ok(Symbol::Absolute { value }),
            reserved if reserved >= SHN_FIRST_RESERVED => Err(no_symbol),
            section if usize::from(section) >= self.section_count() => Err(no_symbol),
            section => {
                let section = usize::from(section);
                if value > self.section(section).bytes {
                    return Err(no_symbol);
                }
                Ok(Symbol::Defined {
                    section,
                    offset: value,
                })
            }
        }
    }

    fn raw_sections(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.headers.chunks_exact(SECTION_HEADER_BYTES)
    }

    /// Contents of a section of that number that holds strings, each with a NUL behind it.
    fn strings(&self, index: usize) -> Result<'a, &'a [u8]> {
        let header = self.raw_sections().nth(index);
        let header = header.filter(|header| u32_at(header, 4) == SHT_STRTAB);
        let strings = header.and_then(|header| part(self.file, u64_at(header, 24), u64_at(header, 32)));
        let strings = strings.filter(|strings| strings.ends_with(b"\0"));
        strings.ok_or(LoadError::CutOff {
            part: "table of names",
        })
    }
}

impl Section {
    /// Of a header of full length.
    fn read(header: &[u8]) -> Self {
        Self {
            name: u32_at(header, 0),
            kind: u32_at(header, 4),
            flags: u64_at(header, 8),
            offset: u64_at(header, 24),
            bytes: u64_at(header, 32),
            link: u32_at(header, 40),
            info: u32_at(header, 44),
            alignment: u64_at(header, 48).max(1),
            entry_bytes: u64_at(header, 56),
        }
    }

    fn is_loaded(&self) -> bool {
        self.flags & SHF_ALLOC != 0 && self.kind != SHT_NULL
    }

    /// None if it is not loaded.
    pub(super) fn use_of(&self) -> Option<Use> {
        self.is_loaded()
            .then_some(match (self.flags & SHF_EXECINSTR, self.flags & SHF_WRITE) {
                (0, 0) => Use::ReadOnly,
                (0, _) => Use::Data,
                _ => Use::Text,
            })
    }
}

impl Relocation {
    /// Of an entry's full length.
    fn read(entry: &[u8]) -> Self {
        Self {
            offset: u64_at(entry, 0),
            kind: u32_at(entry, 8),
            symbol: u32_at(entry, 12),
            addend: u64_at(entry, 16).cast_signed(),
        }
    }
}

fn bad<'a>(index: usize, problem: &'static str) -> LoadError<'a> {
    LoadError::BadSection { index, problem }
}

/// The string that starts at an offset in a table of strings, without its NUL.
fn string(table: &[u8], offset: u32) -> Option<&[u8]> {
    let rest = table.get(offset as usize..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some(&rest[..end])
}

#[cfg(test)]
mod tests;
