//! What a kernel can offer beyond the system calls of an ordinary Linux: devices that it must have drivers for, calls of its own, and
//! options. A scenario that uses what a guest does not offer shows nothing of it.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A thing that not every kernel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Offer {
    /// It swaps to the machine's disk.
    Swap,
    /// Its programs reach servers of the host.
    Sockets,
    /// The five system calls of the shadow page table.
    ShadowPageTable,
    /// It loads the modules of this project.
    Modules,
    /// `/proc/self/fail-nth`, which has a request for memory fail.
    FailNth,
    /// It knows the options that a scenario gives to this project's own kernel.
    Options,
}

impl Offer {
    /// Every one.
    pub const ALL: [Offer; 6] = [
        Offer::Swap,
        Offer::Sockets,
        Offer::ShadowPageTable,
        Offer::Modules,
        Offer::FailNth,
        Offer::Options,
    ];

    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Offer::Swap => "swap",
            Offer::Sockets => "sockets",
            Offer::ShadowPageTable => "shadow-page-table",
            Offer::Modules => "modules",
            Offer::FailNth => "fail-nth",
            Offer::Options => "options",
        }
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Offer::Swap => "a kernel that swaps to the machine's disk",
            Offer::Sockets => "sockets to servers of the host",
            Offer::ShadowPageTable => "the system calls of the shadow page table",
            Offer::Modules => "a kernel that loads this project's modules",
            Offer::FailNth => "requests for memory that fail when they are told to",
            Offer::Options => "a kernel that knows this scenario's options",
        })
    }
}

/// What a kernel offers; all there is, unless its description says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offers(BTreeSet<Offer>);

impl Default for Offers {
    fn default() -> Offers {
        Offers(Offer::ALL.into())
    }
}

impl Offers {
    /// Nothing.
    #[must_use]
    pub fn none() -> Offers {
        Offers(BTreeSet::new())
    }

    /// Whether this is among them.
    #[must_use]
    pub fn has(&self, offer: Offer) -> bool {
        self.0.contains(&offer)
    }
}
