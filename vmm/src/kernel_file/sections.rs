//! Sections of a kernel's ELF file, which may say anything of itself.

use std::fs::File;
use std::path::Path;

use object::LittleEndian;
use object::elf::{FileHeader64, SHT_SYMTAB, SectionHeader64, Sym64};
use object::read::elf::{FileHeader, SectionHeader, SectionTable, Sym, SymbolTable};
use object::read::{ReadCache, ReadRef};

/// Largest symbol table in which functions are looked up, in bytes. Linux has one of 6 MiB.
pub(crate) const MAX_TABLE_BYTES: u64 = 8 << 20;

/// Largest tables of symbols and of their names in which names are looked up, in bytes each.
const MAX_NAMED_BYTES: u64 = 32 << 20;

/// What there is in the file.
pub(crate) type Sections<'data, R> = SectionTable<'data, FileHeader64<LittleEndian>, R>;
/// The symbols of the file.
pub(crate) type Symbols<'data, R> = SymbolTable<'data, FileHeader64<LittleEndian>, R>;

/// The sections of an ELF file; None where it has none, or is none.
pub(crate) fn sections<'data, R: ReadRef<'data>>(data: R) -> Option<Sections<'data, R>> {
    let header = FileHeader64::<LittleEndian>::parse(data).ok()?;
    let endian = header.endian().ok()?;
    // With none here, their number would stand in the first of them, and could be any.
    if header.e_shnum(endian) == 0 {
        return None;
    }
    header.sections(endian, data).ok()
}

/// Whether the kernel in this ELF file has all functions of these names. That of a distribution names none.
#[must_use]
pub fn has_functions(kernel: &Path, names: &[&str]) -> bool {
    let find_all = || {
        let cache = ReadCache::new(File::open(kernel).ok()?);
        let symbols = NamedSymbols::read(&cache, &sections(&cache)?)?;
        Some(names.iter().all(|name| symbols.find(name).is_some()))
    };
    find_all().unwrap_or(false)
}

/// Whether the kernel in this ELF file has symbols in which functions can be looked up, as that of a distribution has not.
#[must_use]
pub fn has_symbols(kernel: &Path) -> bool {
    let Ok(file) = File::open(kernel) else {
        return false;
    };
    let cache = ReadCache::new(file);
    sections(&cache).is_some_and(|sections| symbols(&sections, &cache, MAX_TABLE_BYTES).is_some())
}

/// The symbols, and the section that has their names. None where there are none, or more than so many bytes of them.
pub(crate) fn symbols<'data, R: ReadRef<'data>>(
    sections: &Sections<'data, R>,
    data: R,
    max_bytes: u64,
) -> Option<(Symbols<'data, R>, &'data SectionHeader64<LittleEndian>)> {
    let is_table = |section: &&SectionHeader64<LittleEndian>| section.sh_type(LittleEndian) == SHT_SYMTAB;
    let table = sections.iter().find(is_table)?;
    let len_bytes = table.sh_size(LittleEndian);
    if len_bytes > max_bytes || len_bytes > data.len().ok()? {
        return None;
    }
    let names = sections.section(table.link(LittleEndian)).ok()?;
    let symbols = sections.symbols(LittleEndian, data, SHT_SYMTAB).ok()?;
    Some((symbols, names))
}

/// The symbols of the file with their names.
pub(super) struct NamedSymbols<'data, R: ReadRef<'data>> {
    symbols: Symbols<'data, R>,
    names: &'data [u8],
}

impl<'data, R: ReadRef<'data>> NamedSymbols<'data, R> {
    /// None where there are none, or more than any kernel has.
    pub(super) fn read(data: R, sections: &Sections<'data, R>) -> Option<Self> {
        let (symbols, names) = symbols(sections, data, MAX_NAMED_BYTES)?;
        if names.sh_size(LittleEndian) > MAX_NAMED_BYTES {
            return None;
        }
        let names = names.data(LittleEndian, data).ok()?;
        Some(Self { symbols, names })
    }

    /// The first symbol of this name.
    pub(super) fn find(&self, wanted: &str) -> Option<&'data Sym64<LittleEndian>> {
        self.symbols.iter().find(|symbol| {
            let at = symbol.st_name(LittleEndian) as usize;
            let name = self.names.get(at..).unwrap_or_default();
            name.strip_prefix(wanted.as_bytes())
                .is_some_and(|rest| rest.first() == Some(&0))
        })
    }
}
