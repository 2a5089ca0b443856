//! Gives a kernel's ELF file the symbol table that was taken out of it, by the names that the kernel has of itself ([`super::kallsyms`]). All that
//! reads symbols finds them then where they are in every other file, a debugger too.

use object::elf::{
    FileHeader64, SHN_ABS, SHT_STRTAB, SHT_SYMTAB, STB_GLOBAL, STT_FUNC, STT_OBJECT, SectionHeader64, Sym64,
    SymbolInfo, SymbolOther,
};
use object::pod::{bytes_of, bytes_of_slice, from_bytes};
use object::read::elf::SectionHeader;
use object::{LittleEndian, U16, U32, U64};

use super::kallsyms::{self, Symbol};
use super::sections::{self, sections};

const ENDIAN: LittleEndian = LittleEndian;
/// Names of the sections that are added.
const NAMES: &[u8] = b".symtab\0.strtab\0";
const STRTAB_AT: usize = 8;

/// The file with a symbol table, if it has none and the kernel in it has names; otherwise as it is.
pub(super) fn add_if_missing(kernel: Vec<u8>) -> Vec<u8> {
    added(&kernel).unwrap_or(kernel)
}

/// What is added lies behind all that there is, which stays where it is.
fn added(kernel: &[u8]) -> Option<Vec<u8>> {
    let found = sections(kernel)?;
    if sections::symbols(&found, kernel, u64::MAX).is_some() {
        return None;
    }
    let (header, _) = from_bytes::<FileHeader64<LittleEndian>>(kernel).ok()?;
    let names_of_sections = usize::from(header.e_shstrndx.get(ENDIAN).0);
    let mut headers: Vec<SectionHeader64<LittleEndian>> = found.iter().copied().collect();
    let section_names = headers.get(names_of_sections)?.data(ENDIAN, kernel).ok()?;
    let (symbols, names) = table(kallsyms::symbols(kernel)?);

    let mut file = kernel.to_vec();
    let mut append = |bytes: &[u8]| {
        file.resize(file.len().next_multiple_of(8), 0);
        let at = file.len() as u64;
        file.extend_from_slice(bytes);
        at
    };
    let symbols = bytes_of_slice(&symbols);
    let (symbols_at, names_at) = (append(symbols), append(&names));
    let section_names = [section_names, NAMES].concat();
    let section_names_at = append(&section_names);

    let name_at = |at: usize| U32::new(ENDIAN, (section_names.len() - NAMES.len() + at) as u32);
    let names_index = headers.len() as u32 + 1;
    let section = |name_at, kind, at, bytes: usize| SectionHeader64 {
        sh_name: name_at,
        sh_type: U32::new(ENDIAN, kind),
        sh_flags: U64::default(),
        sh_addr: U64::default(),
        sh_offset: U64::new(ENDIAN, at),
        sh_size: U64::new(ENDIAN, bytes as u64),
        sh_link: U32::default(),
        sh_info: U32::default(),
        sh_addralign: U64::new(ENDIAN, 8),
        sh_entsize: U64::default(),
    };
    headers[names_of_sections].sh_offset.set(ENDIAN, section_names_at);
    headers[names_of_sections]
        .sh_size
        .set(ENDIAN, section_names.len() as u64);
    headers.push(SectionHeader64 {
        sh_link: U32::new(ENDIAN, names_index),
        // All but the first are for everyone.
        sh_info: U32::new(ENDIAN, 1),
        sh_entsize: U64::new(ENDIAN, size_of::<Sym64<LittleEndian>>() as u64),
        ..section(name_at(0), SHT_SYMTAB, symbols_at, symbols.len())
    });
    headers.push(section(name_at(STRTAB_AT), SHT_STRTAB, names_at, names.len()));
    let headers_at = append(bytes_of_slice(&headers));

    let mut header = *header;
    header.e_shoff.set(ENDIAN, headers_at);
    header.e_shnum.set(ENDIAN, u16::try_from(headers.len()).ok()?);
    file.get_mut(..size_of_val(&header))?
        .copy_from_slice(bytes_of(&header));
    Some(file)
}

/// The table, and the names in it. A symbol goes on to the next one.
fn table(mut symbols: Vec<Symbol>) -> (Vec<Sym64<LittleEndian>>, Vec<u8>) {
    symbols.sort_by_key(|symbol| symbol.address);
    let nothing = Sym64 {
        st_name: U32::default(),
        st_info: SymbolInfo::default(),
        st_other: SymbolOther::default(),
        st_shndx: U16::default(),
        st_value: U64::default(),
        st_size: U64::default(),
    };
    let (mut table, mut names) = (vec![nothing], vec![0]);
    for (index, symbol) in symbols.iter().enumerate() {
        let next = symbols[index..].iter().find(|next| next.address > symbol.address);
        let kind = match symbol.kind {
            b't' | b'T' | b'w' | b'W' => STT_FUNC,
            _ => STT_OBJECT,
        };
        table.push(Sym64 {
            st_name: U32::new(ENDIAN, names.len() as u32),
            st_info: SymbolInfo::new(STB_GLOBAL, kind),
            st_shndx: U16::new(ENDIAN, SHN_ABS),
            st_value: U64::new(ENDIAN, symbol.address),
            st_size: U64::new(ENDIAN, next.map_or(0, |next| next.address - symbol.address)),
            ..nothing
        });
        names.extend_from_slice(&symbol.name);
        names.push(0);
    }
    (table, names)
}

#[cfg(test)]
mod tests {
    use object::elf::{OsAbi, SymbolSection};

    use super::super::kallsyms::tests::kernel;
    use super::super::sections::NamedSymbols;
    use super::*;

    /// An ELF file with these contents behind its header, and a table of the names of its sections.
    fn elf(contents: &[u8]) -> Vec<u8> {
        let names = b"\0.shstrtab\0";
        let mut header = FileHeader64::<LittleEndian> {
            e_ident: object::elf::Ident {
                magic: object::elf::ELFMAG,
                class: object::elf::ELFCLASS64,
                data: object::elf::ELFDATA2LSB,
                version: object::elf::EV_CURRENT,
                os_abi: OsAbi(0),
                abi_version: 0,
                padding: [0; 7],
            },
            ..*from_bytes::<FileHeader64<LittleEndian>>(&[0; 64]).unwrap().0
        };
        let at = 64 + contents.len().next_multiple_of(8);
        header.e_shoff.set(ENDIAN, at as u64 + 16);
        header.e_shentsize.set(ENDIAN, 64);
        header.e_shnum.set(ENDIAN, 2);
        header.e_shstrndx.set(ENDIAN, SymbolSection(1));
        let mut section = *from_bytes::<SectionHeader64<LittleEndian>>(&[0; 64]).unwrap().0;
        let mut file = [bytes_of(&header), contents].concat();
        file.resize(at, 0);
        file.extend_from_slice(names);
        file.resize(at + 16, 0);
        file.extend_from_slice(bytes_of(&section));
        section.sh_type.set(ENDIAN, SHT_STRTAB);
        section.sh_name.set(ENDIAN, 1);
        section.sh_offset.set(ENDIAN, at as u64);
        section.sh_size.set(ENDIAN, names.len() as u64);
        file.extend_from_slice(bytes_of(&section));
        file
    }

    #[test]
    fn a_file_without_symbols_gets_those_that_its_kernel_knows() {
        let file = elf(&kernel());
        let with_symbols = add_if_missing(file.clone());
        let found = sections(&*with_symbols).unwrap();
        let named: Vec<&[u8]> = found
            .iter()
            .map(|section| found.section_name(ENDIAN, section).unwrap())
            .collect();
        assert_eq!(named, [&b""[..], b".shstrtab", b".symtab", b".strtab"]);
        let symbols = NamedSymbols::read(&*with_symbols, &found).unwrap();
        let symbol = symbols.find("function_299").unwrap();
        assert_eq!(symbol.st_value.get(ENDIAN), 0xffff_ffff_8100_0000 + 16 * 299);
        assert_eq!(symbols.find("function_7").unwrap().st_size.get(ENDIAN), 16);
        // All that was there stays where it was.
        assert_eq!(with_symbols[64..file.len()], file[64..]);
        assert_eq!(add_if_missing(with_symbols.clone()), with_symbols);
    }

    #[test]
    fn a_file_whose_kernel_knows_no_names_stays_as_it_is() {
        let file = elf(b"a kernel without names");
        assert_eq!(add_if_missing(file.clone()), file);
    }
}
