//! This project's own kernel: it reports everything that there is to report.

use std::iter;

use super::{Description, Guest};
use crate::promise::Promises;
use crate::scenario::{Clock, Scenario};
use crate::{block, vsock};

/// What is known of it. Its files come from the guest image.
#[must_use]
pub fn description() -> Description {
    Description {
        name: "ringside".to_owned(),
        promises: Promises::all(),
        kernel: None,
        initrd: None,
        options: Vec::new(),
    }
}

/// The kernel command line: the first program, then what the caller and the scenario add.
#[must_use]
pub fn command_line(guest: &Guest, scenario: &Scenario) -> String {
    let init = format!("{}={}", abi::boot::CMDLINE_INIT, abi::boot::AGENT_PATH);
    let options = scenario
        .guest
        .options
        .iter()
        .map(|(key, value)| match value.as_str() {
            "" => key.clone(),
            value => format!("{key}={value}"),
        });
    let schedule = scenario
        .schedule
        .as_ref()
        .map(|_| format!("{}=vmm", abi::boot::CMDLINE_SCHEDULE));
    let clock = match scenario.guest.clock {
        Clock::Virtual => None,
        Clock::Real => Some(format!("{}=real", abi::boot::CMDLINE_CLOCK)),
    };
    iter::once(init)
        .chain(schedule)
        .chain(clock)
        .chain(scenario.guest.swap.map(|_| block::command_line_word()))
        .chain((!scenario.guest.vsock.is_empty()).then(vsock::command_line_word))
        .chain(guest.options.iter().cloned())
        .chain(options)
        .collect::<Vec<_>>()
        .join(" ")
}
