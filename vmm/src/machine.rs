//! Which machine a kernel needs: what it finds when it looks around.

use serde::{Deserialize, Serialize};

use crate::scenario::Clock;

/// A kind of machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Machine {
    /// No more than a kernel of a course needs: a serial port, and with a real clock a local APIC. With the virtual clock the VMM alone
    /// interrupts.
    #[default]
    Bare,
    /// What a kernel for PCs cannot do without: two interrupt controllers and a timer that KVM emulates, two serial ports with
    /// interrupts, a keyboard controller for resets. Time passes by itself. The kernel's log goes to the first serial port, and what programs print to
    /// the second.
    Pc,
}

impl Machine {
    /// How time passes, where the scenario wants it so.
    #[must_use]
    pub fn clock(self, wanted: Clock) -> Clock {
        match self {
            Machine::Bare => wanted,
            Machine::Pc => Clock::Real,
        }
    }
}
