//! What the guest reaches through its sockets.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use warehouse_server::{Fault, Text};

/// A port of the host, as the guest sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = "^(0|[1-9][0-9]{0,9})$"))]
pub struct VsockPort(u32);

/// A text that is no port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not a port: expected a decimal number from 0 to {}",
    VsockPort::MAX
)]
pub struct PortError {
    /// The text as it stands in the document.
    pub found: String,
}

impl VsockPort {
    /// Largest port; the one above means "any".
    pub const MAX: u32 = u32::MAX - 1;

    /// The number.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

impl TryFrom<String> for VsockPort {
    type Error = PortError;

    /// A number has one spelling, so that no port is named twice.
    fn try_from(text: String) -> Result<Self, PortError> {
        let number = text.parse().ok();
        let port = number.filter(|number: &u32| *number <= Self::MAX && number.to_string() == text);
        port.map(Self).ok_or(PortError { found: text })
    }
}

impl fmt::Display for VsockPort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Where a connection leads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServerPlace {
    /// A server on the host that listens on a Unix socket at this path.
    Unix(PathBuf),
    /// A server that listens on this address and port, both in numbers.
    #[schemars(with = "String")]
    Tcp(SocketAddr),
    /// A server of this project's own that is started for the run, and serves a generated text page by page.
    Warehouse(Warehouse),
}

/// A warehouse that is started for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Warehouse {
    /// Pages of 4096 bytes that its text has.
    #[schemars(range(min = 1, max = Warehouse::MAX_PAGES))]
    pub pages: u64,
    /// What it does wrong.
    #[serde(default)]
    #[schemars(with = "WarehouseFault")]
    pub fault: Option<WarehouseFault>,
}

impl Warehouse {
    /// Most pages, which requests have 32 bits for.
    pub const MAX_PAGES: u64 = Text::MAX_PAGES;
}

/// What a warehouse does wrong in each page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WarehouseFault {
    /// Sends half of it and closes.
    CutPage,
    /// Announces and sends too few bytes, and closes.
    ShortPage,
    /// Announces and sends too many bytes.
    LongPage,
    /// Sends another one, and says which.
    WrongPage,
    /// Sends another one as the one that was asked for.
    MislabelledPage,
    /// Never answers anything.
    NeverAnswers,
}

impl From<WarehouseFault> for Fault {
    fn from(fault: WarehouseFault) -> Self {
        match fault {
            WarehouseFault::CutPage => Self::CutPage,
            WarehouseFault::ShortPage => Self::ShortPage,
            WarehouseFault::LongPage => Self::LongPage,
            WarehouseFault::WrongPage => Self::WrongPage,
            WarehouseFault::MislabelledPage => Self::MislabelledPage,
            WarehouseFault::NeverAnswers => Self::NeverAnswers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_number_in_its_one_spelling() {
        let port = |text: &str| VsockPort::try_from(text.to_owned()).map(VsockPort::number);
        assert_eq!(port("9000"), Ok(9000));
        assert_eq!(port("4294967294"), Ok(VsockPort::MAX));
        for text in ["", "09000", "+1", "4294967295", "http"] {
            assert_eq!(
                port(text),
                Err(PortError {
                    found: text.to_owned()
                })
            );
        }
    }
}
