//! Which system calls a Linux has, as its own file says it.

use std::fs::File;
use std::path::Path;

use object::LittleEndian;
use object::elf::SHT_NOBITS;
use object::read::elf::{SectionHeader, Sym};
use object::read::{ReadCache, ReadRef};

use super::sections::{NamedSymbols, sections};

/// The array of all system calls, in the order of their numbers.
const TABLE: &str = "sys_call_table";
/// Largest array of system calls, in bytes. Linux's has 4 KiB.
const MAX_TABLE_BYTES: u64 = 64 << 10;

/// Number of the system call `name` in the kernel in this ELF file, for x86-64. None where it has none, or its file no symbols, as that of
/// a distribution.
#[must_use]
pub fn number_of_system_call(kernel: &Path, name: &str) -> Option<u64> {
    let cache = ReadCache::new(File::open(kernel).ok()?);
    let data = &cache;
    let endian = LittleEndian;
    let sections = sections(data)?;
    let symbols = NamedSymbols::read(data, &sections)?;
    let function = symbols.find(&format!("__x64_sys_{name}"))?.st_value(endian);
    let table = symbols.find(TABLE)?;
    let (address, len_bytes) = (table.st_value(endian), table.st_size(endian).min(MAX_TABLE_BYTES));
    let section = object::SectionIndex(table.st_shndx(endian).index()?.into());
    let section = sections.section(section).ok()?;
    if section.sh_type(endian) == SHT_NOBITS {
        return None;
    }
    let at = section
        .sh_offset(endian)
        .checked_add(address.checked_sub(section.sh_addr(endian))?)?;
    let entries = data.read_bytes_at(at, len_bytes).ok()?;
    let (entries, _) = entries.as_chunks::<8>();
    let number = entries
        .iter()
        .position(|entry| u64::from_le_bytes(*entry) == function)?;
    Some(number as u64)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    const SOURCE: &str = "
        long __x64_sys_read(void) { return 0; }
        long __x64_sys_shadowpt_open(void) { return 1; }
        long __x64_sys_spare(void) { return 2; }
        void *const sys_call_table[] = { __x64_sys_read, __x64_sys_read, __x64_sys_shadowpt_open };
        void *const ia32_sys_call_table[] = { __x64_sys_shadowpt_open };
    ";

    fn kernel(folder: &Path, options: &[&str]) -> PathBuf {
        let (source, kernel) = (folder.join("kernel.c"), folder.join("vmlinux"));
        fs::write(&source, SOURCE).unwrap();
        let status = Command::new("cc")
            .args(["-nostdlib", "-static", "-Wl,--entry=0"])
            .args(options)
            .arg(&source)
            .arg("-o")
            .arg(&kernel)
            .status();
        assert!(status.expect("cc").success());
        kernel
    }

    #[test]
    fn a_call_has_the_number_at_which_the_table_has_its_function() {
        let folder = tempfile::tempdir().unwrap();
        let kernel = kernel(folder.path(), &[]);
        assert_eq!(number_of_system_call(&kernel, "shadowpt_open"), Some(2));
        assert_eq!(number_of_system_call(&kernel, "read"), Some(0));
        assert_eq!(number_of_system_call(&kernel, "spare"), None, "in no table");
        assert_eq!(number_of_system_call(&kernel, "shadowpt"), None);
    }

    #[test]
    fn a_file_without_symbols_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let stripped = kernel(folder.path(), &["-s"]);
        assert_eq!(number_of_system_call(&stripped, "read"), None);
        let other = folder.path().join("kernel.c");
        assert_eq!(number_of_system_call(&other, "read"), None);
        assert_eq!(number_of_system_call(&folder.path().join("none"), "read"), None);
    }
}
