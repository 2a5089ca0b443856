//! A debugger at a run.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;
use vmm::debugger::Place;
use vmm::scenario::Scenario;

use super::{Shown, Status};

/// Whether a debugger is waited for.
#[derive(Args)]
pub(super) struct DebuggingArgs {
    /// Wait for gdb before the guest's first instruction, and run the one scenario under it: at a port of the loopback interface (`1234`), at an
    /// address (`ADDRESS:PORT`), or at a Unix socket (`unix:PATH`). Says how to start gdb (see `docs/debugging.md`).
    #[arg(long, value_name = "ADDRESS", conflicts_with = "give_up_after")]
    gdb: Option<Place>,
}

impl DebuggingArgs {
    /// Where it is waited for.
    pub(super) fn place(&self) -> Option<Place> {
        self.gdb.clone()
    }

    /// How long a run may take in real time that may take so long otherwise: under a debugger as long as it takes.
    pub(super) fn patience(&self, otherwise: Duration) -> Duration {
        if self.gdb.is_some() {
            Duration::MAX
        } else {
            otherwise
        }
    }

    /// Refuses what runs in another machine.
    pub(super) fn refuse_emulated(&self) -> Result<(), Shown> {
        match self.gdb {
            Some(_) => Err(unusable(
                "--gdb debugs guests on this machine's KVM, and this one would run in an emulated machine: choose with --platform kvm, where KVM can run it",
            )),
            None => Ok(()),
        }
    }

    /// Refuses what cannot be debugged, and warns of who can do it.
    pub(super) fn check(&self, scenarios: &[Scenario], jobs: Option<NonZeroUsize>) -> Result<(), Shown> {
        let Some(place) = &self.gdb else {
            return Ok(());
        };
        let [scenario] = scenarios else {
            let count = scenarios.len();
            return Err(unusable(&format!(
                "--gdb is for one scenario, and there are {count}: name one"
            )));
        };
        if let Some(jobs) = jobs.filter(|jobs| *jobs > NonZeroUsize::MIN) {
            return Err(unusable(&format!(
                "--gdb is for one run at a time: leave out --jobs {jobs}"
            )));
        }
        if scenario.explores() {
            return Err(unusable(
                "--gdb is for one run, and the scenario explores schedules: write one of them as a scenario with --replay, and debug that",
            ));
        }
        if scenario.is_followed() {
            return Err(unusable(
                "--gdb steps the processor, and so does the scenario, by `calls` or `trace`: leave these out to debug it",
            ));
        }
        if !place.is_local() {
            eprintln!(
                "warning: whoever can reach {place} can read and write the guest's memory, and end the run: nobody asks for a password"
            );
        }
        Ok(())
    }
}

fn unusable(what: &str) -> Shown {
    eprintln!("error: {what}");
    Shown(Status::UnusableInput)
}
