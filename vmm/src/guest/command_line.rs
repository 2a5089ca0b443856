//! The kernel's command line.

use std::iter;

use abi::boot::CMDLINE_SHADOWPT_BASE;
use abi::shadowpt::BASE_NUMBER;

use super::Guest;
use crate::machine::Machine;
use crate::scenario::{Clock, Scenario};
use crate::{block, vsock};

/// What names the first program, then what the machine, the caller and the scenario add.
#[must_use]
pub(crate) fn command_line(guest: &Guest, scenario: &Scenario) -> String {
    words(guest, scenario).join(" ")
}

/// Number of the first system call of the shadow page table, as it stands last on the command line.
pub(crate) fn shadowpt_base(guest: &Guest, scenario: &Scenario) -> u64 {
    let words = words(guest, scenario);
    let told = words.iter().rev().find_map(|word| {
        let number = word.strip_prefix(CMDLINE_SHADOWPT_BASE)?.strip_prefix('=')?;
        number.parse().ok()
    });
    told.unwrap_or(BASE_NUMBER)
}

/// An option as it stands on the command line.
pub(super) fn option_word(key: &str, value: &str) -> String {
    match value {
        "" => key.to_owned(),
        value => format!("{key}={value}"),
    }
}

fn words(guest: &Guest, scenario: &Scenario) -> Vec<String> {
    let options = scenario
        .guest
        .options
        .iter()
        .map(|(key, value)| option_word(key, value));
    let schedule = scenario
        .schedule
        .as_ref()
        .map(|_| format!("{}=vmm", abi::boot::CMDLINE_SCHEDULE));
    let clock = match (guest.description.machine, scenario.guest.clock) {
        (Machine::Bare, Clock::Real) => Some(format!("{}=real", abi::boot::CMDLINE_CLOCK)),
        (Machine::Bare, Clock::Virtual) | (Machine::Pc, Clock::Virtual | Clock::Real) => None,
    };
    iter::once(guest.description.init.clone())
        .chain(schedule)
        .chain(clock)
        .chain(scenario.guest.swap.map(|_| block::command_line_word()))
        .chain((!scenario.guest.vsock.is_empty()).then(vsock::command_line_word))
        .chain(guest.options.iter().cloned())
        .chain(options)
        .collect()
}
