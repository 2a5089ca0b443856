//! Names of the kernel's functions, for reports.

use std::path::{Path, PathBuf};

use object::{Object, ObjectSymbol, SymbolKind};

use crate::address::VirtAddr;
use crate::printable::Printable;

/// The symbol table of one kernel, read when it is asked: only a guest that ends badly needs it.
#[derive(Clone, Debug)]
pub struct Symbols {
    path: PathBuf,
}

impl Symbols {
    /// The symbols of the ELF file at `path`.
    #[must_use]
    pub fn of(path: &Path) -> Symbols {
        Symbols {
            path: path.to_owned(),
        }
    }

    /// Function and offset behind an address, such as `kernel::mm::fault::handle+0x1c`. None when no function of the
    /// file covers it, or the file has no symbols.
    #[must_use]
    pub fn name(&self, address: VirtAddr) -> Option<Printable> {
        let bytes = std::fs::read(&self.path).ok()?;
        let file = object::File::parse(&*bytes).ok()?;
        let address = address.0;
        let function = file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.address() <= address)
            .max_by_key(ObjectSymbol::address)?;
        let offset = address - function.address();
        if offset != 0 && offset >= function.size() {
            return None;
        }
        let name = format!("{:#}", rustc_demangle::demangle(function.name().ok()?));
        Some(format!("{}+{offset:#x}", Printable::name(&name)).into())
    }
}
