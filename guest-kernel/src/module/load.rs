//! Loading a module.

#![allow(unsafe_code, reason = "memory that a module had")]

use core::mem::offset_of;

use abi::module::{EXPORTS_VERSION, INFO_BYTES, INFO_SECTION, ModuleInfo, NAME_BYTES};

use super::elf::Object;
use super::error::LoadError;
use super::layout::Layout;
use super::name::Name;
use super::relocate::relocate;
use super::table::with_modules;
use super::{call, exports};
use crate::elf::u64_at;
use crate::errno::Errno;
use crate::log;
use crate::mm::{FrameKind, ProtectionChange, VirtAddr, Vmalloc, set_memory};
use crate::mutant::{self, Mutant};

/// Offsets in a module's description.
const NAME_AT: usize = offset_of!(ModuleInfo, name);
const INIT_AT: u64 = offset_of!(ModuleInfo, init) as u64;
const EXIT_AT: u64 = offset_of!(ModuleInfo, exit) as u64;

/// Makes the object a part of the kernel and runs its init function. Whatever fails leaves a line in the log and nothing
/// else.
pub(crate) fn load(object: &[u8], parameters: &[u8]) -> Result<(), Errno> {
    let identified = Object::parse(object).and_then(|object| Ok((identify(&object)?, object)));
    let (name, object) = identified.map_err(|error| error.report(None))?;
    load_named(&object, name, parameters).map_err(|error| error.report(Some(name)))
}

/// Whether it is a module for this kernel, and which.
fn identify<'a>(object: &Object<'a>) -> Result<Name, LoadError<'a>> {
    let (_, info) = info_of(object)?;
    let found = u64_at(info, offset_of!(ModuleInfo, exports_version));
    if found != EXPORTS_VERSION {
        return Err(LoadError::OtherVersion { found });
    }
    Name::from_field(&info[NAME_AT..][..NAME_BYTES]).ok_or(LoadError::BadInfo {
        problem: "holds no name",
    })
}

/// Number and contents of the section in which the module describes itself.
fn info_of<'a>(object: &Object<'a>) -> Result<(usize, &'a [u8]), LoadError<'a>> {
    let mut sections = object
        .sections()
        .filter(|(_, section)| object.is_named(section, INFO_SECTION));
    let (index, section) = sections.next().ok_or(LoadError::BadInfo {
        problem: "is missing",
    })?;
    let info = object.contents(&section);
    if sections.next().is_some() || info.len() != INFO_BYTES {
        return Err(LoadError::BadInfo {
            problem: "is not one description of a module",
        });
    }
    Ok((index, info))
}

fn load_named<'a>(object: &Object<'a>, name: Name, parameters: &[u8]) -> Result<(), LoadError<'a>> {
    if with_modules(|modules| modules.contains(name)) {
        return Err(LoadError::AlreadyLoaded);
    }
    let Linked { memory, init, exit } = link(object)?;
    with_modules(|modules| modules.add(name, memory.range(), exit))?;
    let bytes = memory.range().bytes();
    memory.leave();

    for word in parameters
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
    {
        log::line(format_args!(
            "module {name} has no parameters: {} is ignored",
            word.escape_ascii()
        ));
    }
    // SAFETY: linking has checked that the address lies in the module's code, which is mapped executable and was left to the table
    // above. The object says that a function of this type starts there; from here on the module is a part of the kernel.
    let result = unsafe { call::init(init) };
    if result < 0 {
        let memory = with_modules(|modules| modules.remove(name));
        if !mutant::is(Mutant::FailedModuleStays) {
            // SAFETY: the memory was left above to the module's place in the table, which is gone.
            drop(unsafe { Vmalloc::adopt(memory.start()) });
        }
        let error = Errno::from_number(result.unsigned_abs());
        return Err(LoadError::InitFailed { error });
    }
    with_modules(|modules| modules.set_live(name));
    log::line(format_args!("module {name} is loaded: {bytes} bytes"));
    Ok(())
}

/// A module that can run.
struct Linked {
    memory: Vmalloc,
    init: VirtAddr,
    exit: VirtAddr,
}

/// Copies what is to be loaded, gives references their addresses, and protects the result.
fn link<'a>(object: &Object<'a>) -> Result<Linked, LoadError<'a>> {
    let layout = Layout::of(object)?;
    let (info, _) = info_of(object)?;
    let info = layout.place_of(info).ok_or(LoadError::BadInfo {
        problem: "is not loaded",
    })?;
    let mut memory = Vmalloc::new(FrameKind::Vmalloc, layout.bytes() as usize)?;
    let base = memory.range().start();
    for (index, section) in object.sections() {
        if let Some(place) = layout.place_of(index) {
            let contents = object.contents(&section);
            memory.bytes_mut()[place as usize..][..contents.len()].copy_from_slice(contents);
        }
    }
    relocate(object, &layout, base.as_u64(), memory.bytes_mut(), exports::find)?;

    let function = |at: u64| {
        let address = u64_at(memory.bytes(), (info + at) as usize);
        let is_code = layout.text.contains(&address.wrapping_sub(base.as_u64()));
        is_code.then(|| VirtAddr::new(address)).ok_or(LoadError::BadInfo {
            problem: "names a function that is not in the module's code",
        })
    };
    let (init, exit) = (function(INIT_AT)?, function(EXIT_AT)?);

    for (part, changes) in [
        (
            &layout.text,
            &[ProtectionChange::ReadOnly, ProtectionChange::Executable][..],
        ),
        (&layout.read_only, &[ProtectionChange::ReadOnly]),
    ] {
        let pages = (part.end - part.start) / abi::PAGE_SIZE;
        for change in changes.iter().filter(|_| pages > 0) {
            // Nothing but the page table that a large page becomes can be missing: the pages are this module's.
            set_memory(base.plus(part.start), pages, *change).map_err(|_| LoadError::OutOfMemory)?;
        }
    }
    Ok(Linked { memory, init, exit })
}
