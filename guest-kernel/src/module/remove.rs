//! Removing a module.

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
    call::exit(module.exit);
    let memory = with_modules(|modules| modules.remove(name));
    if !mutant::is(Mutant::RemovedModuleStays) {
        drop(Vmalloc::adopt(memory.start()));
    }
    log::line(format_args!("module {name} is removed"));
    Ok(())
}
