//! Removing a module.

#![allow(unsafe_code, reason = "memory that a module had")]

use super::call;
use super::name::Name;
use super::table::with_modules;
use crate::errno::Errno;
use crate::log;
use crate::mm::Vmalloc;
use crate::mutant::{self, Mutant};

/// Runs the module's exit function and frees its memory.
pub(crate) fn remove(name: Name) -> Result<(), Errno> {
    let module = with_modules(|modules| modules.begin_removal(name)).inspect_err(|error| {
        log::line(format_args!("module {name} is not removed: {error}"));
    })?;
    // SAFETY: as for its init function; the memory is the module's until the function has returned.
    unsafe { call::exit(module.exit) };
    let memory = with_modules(|modules| modules.remove(name));
    if !mutant::is(Mutant::RemovedModuleStays) {
        // SAFETY: its place in the table had the memory, which was left when the module was loaded, and the place is gone.
        drop(unsafe { Vmalloc::adopt(memory.start()) });
    }
    log::line(format_args!("module {name} is removed"));
    Ok(())
}
