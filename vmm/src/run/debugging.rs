//! Has a debugger look at the steps of a scenario.

use super::boot::Booted;
use crate::debugger::Session;
use crate::drive::Driver;
use crate::judge::Scene;
use crate::perform::Performer;
use crate::scenario::Step;
use crate::view::NamedMemory;
use crate::vm::VmError;

/// The debugger of a run; it is told when the run is over.
pub(super) struct Debugging(Option<Session>);

impl Debugging {
    /// That of a guest that has booted.
    pub(super) fn of(booted: &mut Booted) -> Debugging {
        Debugging(booted.onlookers.debugger.take())
    }

    /// A step is about to be performed: the debugger is told what there is, and looks at the machine if it wanted to.
    pub(super) fn before_step(
        &self,
        (number, step): (usize, &Step),
        performer: &mut Performer<Driver>,
    ) -> Result<(), VmError> {
        let Some(session) = &self.0 else {
            return Ok(());
        };
        let Some(view) = Scene::of(performer).map(|scene| NamedMemory::of(&scene)) else {
            return Ok(());
        };
        if session.before_step(number, &step.to_string(), view) {
            performer.driver_mut().vm_mut().halt()?;
        }
        Ok(())
    }
}

impl Drop for Debugging {
    fn drop(&mut self) {
        if let Some(session) = &self.0 {
            session.ended();
        }
    }
}
