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
    /// Its file has symbols, which name its functions.
    Symbols,
    /// It knows the options that a scenario gives to this project's own kernel.
    Options,
}

impl Offer {
    /// Every one.
    pub const ALL: [Offer; 7] = [
        Offer::Swap,
        Offer::Sockets,
        Offer::ShadowPageTable,
        Offer::Modules,
        Offer::FailNth,
        Offer::Symbols,
        Offer::Options,
    ];

    /// The one with this name.
    ///
    /// # Errors
    /// There is none; the message has all names.
    pub fn named(name: &str) -> Result<Offer, NoSuchOffer> {
        let found = Offer::ALL.into_iter().find(|offer| offer.name() == name);
        found.ok_or_else(|| NoSuchOffer {
            found: name.to_owned(),
        })
    }

    /// Its name in files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Offer::Swap => "swap",
            Offer::Sockets => "sockets",
            Offer::ShadowPageTable => "shadow-page-table",
            Offer::Modules => "modules",
            Offer::FailNth => "fail-nth",
            Offer::Symbols => "symbols",
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
            Offer::Symbols => "a kernel whose file names its functions",
            Offer::Options => "a kernel that knows this scenario's options",
        })
    }
}

/// A text that names nothing that a kernel can offer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is nothing that a kernel can offer; there are {}", Offer::ALL.map(Offer::name).join(", "))]
pub struct NoSuchOffer {
    /// The text.
    pub found: String,
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
    /// These alone.
    #[must_use]
    pub fn of(offers: &[Offer]) -> Offers {
        Offers(offers.iter().copied().collect())
    }

    /// These too.
    pub fn add(&mut self, offers: &[Offer]) {
        self.0.extend(offers);
    }

    /// Every one of them.
    pub fn all(&self) -> impl Iterator<Item = Offer> {
        self.0.iter().copied()
    }

    /// Whether this is among them.
    #[must_use]
    pub fn has(&self, offer: Offer) -> bool {
        self.0.contains(&offer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_be_offered_has_one_name_that_is_the_same_everywhere() {
        for offer in Offer::ALL {
            assert_eq!(Offer::named(offer.name()), Ok(offer));
            assert_eq!(serde_json::to_value(offer).unwrap(), offer.name());
        }
        let error = Offer::named("wings").unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("swap, sockets, shadow-page-table, modules, fail-nth, symbols, options")
        );
    }
}
