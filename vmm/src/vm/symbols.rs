//! Names of the kernel's functions, for reports.

use std::cell::OnceCell;
use std::fs::File;
use std::os::unix::fs::FileExt;

use object::LittleEndian;
use object::elf::{STT_FUNC, STT_NOTYPE, Sym64};
use object::read::ReadCache;
use object::read::elf::{SectionHeader, Sym};

use super::inlined::InlinedFunctions;
use crate::address::VirtAddr;
use crate::kernel_file::sections::{MAX_TABLE_BYTES, sections, symbols};
use crate::printable::Printable;

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

/// A function of a kernel's file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    /// Where it begins.
    pub(super) address: u64,
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
        let function = self.function(address)?;
        let name = self.name_of(function)?;
        let offset = address.0 - function.address;
        Some(format!("{}+{offset:#x}", Printable::name(&name)).into())
    }

    /// The function that an address belongs to.
    pub(super) fn function(&self, address: VirtAddr) -> Option<Function> {
        let functions = &self.table()?.functions;
        let after = functions.partition_point(|function| function.address <= address.0);
        let function = *functions[..after].last()?;
        let offset = address.0 - function.address;
        (offset == 0 || offset < function.len_bytes).then_some(function)
    }

    /// Its name as its source has it.
    pub(super) fn name_of(&self, function: Function) -> Option<String> {
        let name_at = self.table()?.names_at.checked_add(function.name.into())?;
        let mut name = [0; MAX_NAME_BYTES];
        let len = self.file.read_at(&mut name, name_at).ok()?;
        let name = name[..len].split(|byte| *byte == 0).next()?;
        let name = String::from_utf8_lossy(name);
        Some(demangled(&name))
    }

    /// What the file says of functions that are in others; None where it does not.
    pub(super) fn inlined(&self) -> Option<InlinedFunctions> {
        InlinedFunctions::read(&ReadCache::new(&self.file))
    }

    /// Where the function with this name begins.
    pub(super) fn address_of(&self, name: &str) -> Option<VirtAddr> {
        let functions = self.table()?.functions.iter();
        let mut named =
            functions.filter(|function| self.name_of(**function).is_some_and(|found| found == name));
        named.next().map(|function| VirtAddr(function.address))
    }

    /// Whether a function has this in its name.
    pub(super) fn has_part(&self, part: &str) -> bool {
        let named = |function: &Function| self.name_of(*function).is_some_and(|name| name.contains(part));
        self.table()
            .is_some_and(|table| table.functions.iter().any(named))
    }

    fn table(&self) -> Option<&Table> {
        self.table.get_or_init(|| read(&self.file)).as_ref()
    }
}

/// The name of a function as its source has it.
pub(super) fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

fn read(file: &File) -> Option<Table> {
    let cache = ReadCache::new(file);
    let data = &cache;
    let (symbols, names) = symbols(&sections(data)?, data, MAX_TABLE_BYTES)?;
    let endian = LittleEndian;
    // The entries of Linux, in assembly, have a size and no type.
    let is_code = |symbol: &&Sym64<LittleEndian>| match symbol.st_type() {
        STT_FUNC => true,
        STT_NOTYPE => symbol.st_size(endian) > 0,
        _ => false,
    };
    let functions = symbols.iter().filter(is_code);
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
