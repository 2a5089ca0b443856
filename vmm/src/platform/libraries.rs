//! What the command's own program needs to run elsewhere: the shared libraries that this process has mapped, and what loads them.

use std::path::PathBuf;
use std::{fs, io};

use object::elf::{FileHeader64, PT_INTERP};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, ReadRef};

/// What the program's file holds, and the files that it will look for where they lie here. A static program needs none.
pub(super) struct Program {
    pub(super) contents: Vec<u8>,
    pub(super) libraries: Vec<PathBuf>,
}

/// The program that this process runs.
pub(super) fn own_program() -> io::Result<Program> {
    let contents = fs::read(std::env::current_exe()?)?;
    let mut libraries = Vec::new();
    if let Some(loader) = interpreter(contents.as_slice()) {
        libraries.push(loader);
        libraries.extend(mapped_libraries()?);
    }
    Ok(Program { contents, libraries })
}

/// The program that an ELF file names for loading it.
fn interpreter<'data, R: ReadRef<'data>>(file: R) -> Option<PathBuf> {
    let header = FileHeader64::<Endianness>::parse(file).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, file).ok()?;
    let segment = segments
        .iter()
        .find(|segment| segment.p_type(endian) == PT_INTERP)?;
    let path = segment.data(endian, file).ok()?;
    let path = str::from_utf8(path).ok()?.trim_end_matches('\0');
    Some(PathBuf::from(path))
}

fn mapped_libraries() -> io::Result<Vec<PathBuf>> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let mut paths: Vec<PathBuf> = maps
        .lines()
        .filter_map(|line| line.split_once('/'))
        .map(|(_, path)| PathBuf::from(format!("/{path}")))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".so") || name.contains(".so.")
        })
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_program_comes_with_its_loader_and_its_libc() {
        let Program { contents, libraries } = own_program().unwrap();
        assert!(contents.starts_with(b"\x7fELF"));
        if !libraries.is_empty() {
            assert!(libraries.iter().all(|path| path.is_file()));
            let has = |name: &str| libraries.iter().any(|path| path.to_string_lossy().contains(name));
            assert!(has("ld-") && has("libc"));
        }
    }
}
