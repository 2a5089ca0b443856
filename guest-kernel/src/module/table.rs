//! Which modules there are.
//!
//! ```text
//!   load ──> coming ──(init returned 0)──> live ──(remove)──> going ──(exit returned)──> gone
//!              └──(init returned an error)──> gone
//! ```
//!
//! **Invariant:** a module's memory lives as long as it has a place in the table. Its place has the memory's only owner.

use alloc::vec::Vec;
use core::fmt;

use super::error::LoadError;
use super::name::Name;
use crate::errno::Errno;
use crate::mm::{OutOfMemory, PageRange, VirtAddr};
use crate::mutant::{self, Mutant};
use crate::sync::Lock;

/// Where a module is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Coming,
    Live,
    Going,
}

/// A module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Module {
    pub(super) name: Name,
    pub(super) memory: PageRange,
    pub(super) exit: VirtAddr,
    pub(super) state: State,
    /// Those who need it to stay.
    pub(super) references: u32,
}

/// All modules, the youngest first. Empty it has no memory of its own.
#[derive(Debug)]
pub(super) struct Modules(Vec<Module>);

static MODULES: Lock<Modules> = Lock::new(Modules(Vec::new()));

/// Runs `f` with the table. No function of a module runs inside: it may ask for the table.
pub(super) fn with_modules<R>(f: impl FnOnce(&mut Modules) -> R) -> R {
    f(&mut MODULES.lock())
}

impl Modules {
    /// Gives a module that is coming its place.
    pub(super) fn add(
        &mut self,
        name: Name,
        memory: PageRange,
        exit: VirtAddr,
    ) -> Result<(), LoadError<'static>> {
        if self.contains(name) {
            return Err(LoadError::AlreadyLoaded);
        }
        self.0.try_reserve(1).map_err(|_| OutOfMemory)?;
        let module = Module {
            name,
            memory,
            exit,
            state: State::Coming,
            references: 0,
        };
        self.0.insert(0, module);
        Ok(())
    }

    pub(super) fn contains(&self, name: Name) -> bool {
        self.0.iter().any(|module| module.name == name)
    }

    /// The module has told that it is ready.
    pub(super) fn set_live(&mut self, name: Name) {
        self.get(name).expect("a module that comes has a place").state = State::Live;
    }

    /// Begins a removal: ENOENT if there is none of that name, EBUSY if it is not live or someone needs it.
    pub(super) fn begin_removal(&mut self, name: Name) -> Result<Module, Errno> {
        let module = self.get(name).ok_or(Errno::ENOENT)?;
        let is_used = module.references > 0 && !mutant::is(Mutant::RemovalInUse);
        if module.state != State::Live || is_used {
            return Err(Errno::EBUSY);
        }
        module.state = State::Going;
        Ok(*module)
    }

    /// Takes a module's place away, and gives its memory to whoever frees it.
    pub(super) fn remove(&mut self, name: Name) -> PageRange {
        let index = self.0.iter().position(|module| module.name == name);
        let module = self.0.remove(index.expect("a module that goes has a place"));
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        module.memory
    }

    /// Adds a reference to the module that an address lies in; fails for one that is about to go.
    pub(super) fn hold(&mut self, address: VirtAddr) -> Result<(), Errno> {
        let module = self.at(address).filter(|module| module.state != State::Going);
        module.ok_or(Errno::ENOENT)?.references += 1;
        Ok(())
    }

    /// Takes the reference away again.
    pub(super) fn let_go(&mut self, address: VirtAddr) {
        let module = self.at(address).filter(|module| module.references > 0);
        module
            .expect("a module is let go as often as it is held")
            .references -= 1;
    }

    /// Name of the module that an address lies in.
    pub(super) fn name_at(&mut self, address: VirtAddr) -> Option<Name> {
        self.at(address).map(|module| module.name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Module> {
        self.0.iter()
    }

    fn get(&mut self, name: Name) -> Option<&mut Module> {
        self.0.iter_mut().find(|module| module.name == name)
    }

    fn at(&mut self, address: VirtAddr) -> Option<&mut Module> {
        self.0.iter_mut().find(|module| module.memory.contains(address))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Coming => "Loading",
            Self::Live => "Live",
            Self::Going => "Unloading",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = abi::PAGE_SIZE;

    /// A table with one module, and an address in it.
    fn with_one() -> (Modules, Name, VirtAddr) {
        let mut modules = Modules(Vec::new());
        let (name, start) = (Name::new(b"one").unwrap(), VirtAddr::new(4 * PAGE));
        modules.add(name, PageRange::single(start), start).unwrap();
        (modules, name, start)
    }

    #[test]
    fn a_module_can_be_removed_once_it_is_live_and_as_long_as_nobody_needs_it() {
        let (mut modules, name, at) = with_one();
        assert_eq!(modules.begin_removal(name), Err(Errno::EBUSY));
        modules.set_live(name);
        modules.hold(at).unwrap();
        assert_eq!(modules.begin_removal(name), Err(Errno::EBUSY));
        modules.let_go(at);
        assert_eq!(modules.begin_removal(name).unwrap().exit, at);
        assert_eq!(modules.begin_removal(name), Err(Errno::EBUSY));
        assert_eq!(modules.remove(name), PageRange::single(at));
        assert_eq!(modules.begin_removal(name), Err(Errno::ENOENT));
        assert_eq!(modules.0.capacity(), 0);
    }

    #[test]
    fn a_name_is_taken_from_before_init_until_after_exit() {
        let (mut modules, name, at) = with_one();
        let again = |modules: &mut Modules| modules.add(name, PageRange::single(at), at);
        assert_eq!(again(&mut modules), Err(LoadError::AlreadyLoaded));
        modules.set_live(name);
        modules.begin_removal(name).unwrap();
        assert_eq!(again(&mut modules), Err(LoadError::AlreadyLoaded));
        modules.remove(name);
        assert_eq!(again(&mut modules), Ok(()));
    }

    #[test]
    fn nobody_gets_hold_of_a_module_that_goes_or_of_what_is_none() {
        let (mut modules, name, at) = with_one();
        assert_eq!(modules.hold(at.plus(PAGE)), Err(Errno::ENOENT));
        modules.set_live(name);
        modules.begin_removal(name).unwrap();
        assert_eq!(modules.hold(at), Err(Errno::ENOENT));
    }

    #[test]
    fn the_youngest_module_is_listed_first() {
        let (mut modules, _, at) = with_one();
        modules
            .add(Name::new(b"two").unwrap(), PageRange::single(at.plus(PAGE)), at)
            .unwrap();
        let names: Vec<_> = modules.iter().map(|module| module.name.to_string()).collect();
        assert_eq!(names, ["two", "one"]);
    }
}
