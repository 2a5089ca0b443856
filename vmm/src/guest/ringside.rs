//! This project's own kernel: it reports everything that there is to report.

use super::Description;
use super::description::{PowerOff, agent_first, once};
use crate::drive::Ends;
use crate::machine::Machine;
use crate::offer::Offers;
use crate::promise::Promises;
use crate::vm::KernelImage;

/// What is known of it. Its files come from the guest image.
#[must_use]
pub fn description() -> Description {
    Description {
        name: "ringside".to_owned(),
        promises: Promises::all(),
        offers: Offers::default(),
        machine: Machine::Bare,
        memory_mib: 0,
        effort: once(),
        init: agent_first(),
        kernel_image: KernelImage::Stays,
        ends: Ends::Reported,
        power_off: PowerOff::PowerOff,
        struct_pages: false,
        page_layout: None,
        kernel: None,
        initrd: None,
        modules: None,
        drivers: Vec::new(),
        ways_in: vec!["save_registers".to_owned()],
        options: Vec::new(),
    }
}
