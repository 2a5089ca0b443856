//! Names of the kernel's functions, for reports.

use std::cell::OnceCell;
use std::fs::File;
use std::os::unix::fs::FileExt;

use object::LittleEndian;
use object::elf::STT_FUNC;
use object::read::ReadCache;
use object::read::elf::{SectionHeader, Sym};

use crate::address::VirtAddr;
use crate::kernel_file::sections::{sections, symbols};
use crate::printable::Printable;

/// Largest symbol table that is read, in bytes. Linux has one of 6 MiB.
const MAX_TABLE_BYTES: u64 = 8 << 20;
/// Most bytes of a name that are read.
const MAX_NAME_BYTES: usize = 1024;

/// The symbols of one kernel, read when one is asked for: only a guest that does something wrong needs them.
#[derive(Debug)]
pub struct Symbols {
    file: File,
    table: OnceCell<Option<Table>>,
}

/// The functions, ascending by address, and where in the file their names are.
#[derive(Debug)]
struct Table {
    functions: Vec<Function>,
    names_at: u64,
}

#[derive(Clone, Copy, Debug)]
struct Function {
    address: u64,
    len_bytes: u64,
    name: u32,
}

impl Symbols {
    /// The symbols of this ELF file.
    #[must_use]
    pub fn of(file: File) -> Symbols {
        Symbols {
            file,
            table: OnceCell::new(),
        }
    }

    /// Function and offset behind an address, such as `kernel::mm::fault::handle+0x1c`. None when no function of the
    /// file covers it, or the file has no symbols that can be read.
    #[must_use]
    pub fn name(&self, address: VirtAddr) -> Option<Printable> {
        let table = self.table.get_or_init(|| read(&self.file)).as_ref()?;
        let after = table
            .functions
            .partition_point(|function| function.address <= address.0);
        let function = table.functions[..after].last()?;
        let offset = address.0 - function.address;
        if offset != 0 && offset >= function.len_bytes {
            return None;
        }
        let mut name = [0; MAX_NAME_BYTES];
        let name_at = table.names_at.checked_add(function.name.into())?;
        let len = self.file.read_at(&mut name, name_at).ok()?;
        let name = name[..len].split(|byte| *byte == 0).next()?;
        let name = String::from_utf8_lossy(name);
        let name = format!("{:#}", rustc_demangle::demangle(&name));
        Some(format!("{}+{offset:#x}", Printable::name(&name)).into())
    }
}

fn read(file: &File) -> Option<Table> {
    let cache = ReadCache::new(file);
    let data = &cache;
    let (symbols, names) = symbols(&sections(data)?, data, MAX_TABLE_BYTES)?;
    let endian = LittleEndian;
    let functions = symbols.iter().filter(|symbol| symbol.st_type() == STT_FUNC);
    let mut functions: Vec<Function> = functions
        .map(|symbol| Function {
            address: symbol.st_value(endian),
            len_bytes: symbol.st_size(endian),
            name: symbol.st_name(endian),
        })
        .collect();
    functions.sort_by_key(|function| function.address);
    Some(Table {
        functions,
        names_at: names.sh_offset(endian),
    })
}
