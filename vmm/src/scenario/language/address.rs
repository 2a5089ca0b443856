//! Places in a process's memory, named by region instead of by number.

use std::fmt;
use std::str::FromStr;

use abi::PAGE_SIZE;
use schemars::JsonSchema;
use serde::Deserialize;

use super::memory::{HEXADECIMAL, hexadecimal};
use super::name::{NameError, ProcessName, RegionName};

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A name in it is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No process before the region.
    #[error("`{found}` names no process: expected `process:region`, as in `parent:buf`")]
    NoProcess {
        /// The text as it stands in the document.
        found: String,
    },
    /// A process before the region, where the step already says which.
    #[error("`{found}` names a process: expected `region` alone, since the process is the step's own")]
    ProcessGiven {
        /// The text as it stands in the document.
        found: String,
    },
    /// An offset where only a whole region makes sense.
    #[error("`{found}` has an offset: expected a whole region, as in `parent:buf`")]
    OffsetGiven {
        /// The text as it stands in the document.
        found: String,
    },
    /// A number that is none of 64 bits.
    #[error(
        "`{found}` is no address: expected hexadecimal digits for at most 64 bits, as in `0xffff800000000000`"
    )]
    Raw {
        /// The text as it stands in the document.
        found: String,
    },
    /// What follows the region is no offset.
    #[error(
        "`+{offset}` in `{found}` is not an offset: expected pages, then bytes, as in `buf+2p`, `buf+16` or `buf+2p+16`"
    )]
    Offset {
        /// The part that cannot be read.
        offset: String,
        /// The text as it stands in the document.
        found: String,
    },
}

/// Place in the memory of the process that the step is about: `region`, then pages, then bytes, as in `buf`, `buf+2p`,
/// `buf+16` or `buf+2p+16`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = r"^[a-z][a-z0-9-]*(\+[0-9]+p)?(\+[0-9]+)?$", "examples" = ["buf", "buf+1p", "buf+1p+16"]))]
pub struct RegionAddress {
    /// Where the count starts.
    pub region: RegionName,
    /// Whole pages from the region's start.
    pub pages: u64,
    /// Bytes on top of the pages.
    pub bytes: u64,
}

/// Place in the memory of the process that the step is about, or an address as it is, in hexadecimal: `0x0`. A raw address is where no
/// process has memory: below `0x10000`, or from `0x7ffffffff000` on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = r"^([a-z][a-z0-9-]*(\+[0-9]+p)?(\+[0-9]+)?|0x[0-9a-f]+)$", "examples" = ["buf", "buf+1p+16", "0xffff800000000000"]))]
pub enum Place {
    /// By the name of a region.
    Region(RegionAddress),
    /// By its number.
    Raw(u64),
}

/// Place in the memory of some process: `process:region`, then pages, then bytes, as in `child:buf+2p+16`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = r"^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*(\+[0-9]+p)?(\+[0-9]+)?$", "examples" = ["parent:buf", "child:buf+1p", "child:buf+1p+16"]))]
pub struct ProcessAddress {
    /// Whose memory.
    pub process: ProcessName,
    /// Where in it.
    pub place: RegionAddress,
}

/// A whole region of some process: `process:region`, as in `child:buf`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = r"^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$", "examples" = ["child:buf"]))]
pub struct ProcessRegion {
    /// Whose memory.
    pub process: ProcessName,
    /// Which part of it.
    pub region: RegionName,
}

impl RegionAddress {
    /// Bytes from the region's start, or `None` where that passes 64 bits.
    #[must_use]
    pub fn offset_bytes(&self) -> Option<u64> {
        self.pages.checked_mul(PAGE_SIZE)?.checked_add(self.bytes)
    }
}

impl FromStr for RegionAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.contains(':') {
            return Err(AddressError::ProcessGiven {
                found: text.to_owned(),
            });
        }
        let mut parts = text.split('+');
        let region = RegionName::try_from(parts.next().unwrap_or_default().to_owned())?;
        let (mut pages, mut bytes) = (None, None);
        for offset in parts {
            let refused = || AddressError::Offset {
                offset: offset.to_owned(),
                found: text.to_owned(),
            };
            if bytes.is_some() {
                return Err(refused());
            }
            match offset.strip_suffix('p') {
                Some(count) if pages.is_none() => pages = Some(digits(count).ok_or_else(refused)?),
                Some(_) => return Err(refused()),
                None => bytes = Some(digits(offset).ok_or_else(refused)?),
            }
        }
        Ok(Self {
            region,
            pages: pages.unwrap_or(0),
            bytes: bytes.unwrap_or(0),
        })
    }
}

impl Place {
    /// The place by a region's name, if it is one.
    #[must_use]
    pub fn region(&self) -> Option<&RegionAddress> {
        match self {
            Self::Region(place) => Some(place),
            Self::Raw(_) => None,
        }
    }

    /// The same, to be changed.
    pub(in crate::scenario) fn region_mut(&mut self) -> Option<&mut RegionAddress> {
        match self {
            Self::Region(place) => Some(place),
            Self::Raw(_) => None,
        }
    }
}

impl FromStr for Place {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if !text.starts_with(HEXADECIMAL) {
            return text.parse().map(Self::Region);
        }
        hexadecimal(text).map(Self::Raw).ok_or_else(|| AddressError::Raw {
            found: text.to_owned(),
        })
    }
}

impl FromStr for ProcessAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (process, place) = text.split_once(':').ok_or_else(|| AddressError::NoProcess {
            found: text.to_owned(),
        })?;
        Ok(Self {
            process: ProcessName::try_from(process.to_owned())?,
            place: place.parse()?,
        })
    }
}

impl FromStr for ProcessRegion {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let ProcessAddress { process, place } = text.parse()?;
        if text.contains('+') {
            return Err(AddressError::OffsetGiven {
                found: text.to_owned(),
            });
        }
        Ok(Self {
            process,
            region: place.region,
        })
    }
}

/// Digits alone: `u64::from_str` would take a sign too.
fn digits(text: &str) -> Option<u64> {
    text.bytes()
        .all(|each| each.is_ascii_digit())
        .then(|| text.parse().ok())?
}

macro_rules! from_string {
    ($($name:ident),*) => {
        $(impl TryFrom<String> for $name {
            type Error = AddressError;

            fn try_from(text: String) -> Result<Self, AddressError> {
                text.parse()
            }
        })*
    };
}
from_string!(RegionAddress, Place, ProcessAddress, ProcessRegion);

impl fmt::Display for RegionAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}+{}p", self.region, self.pages)?;
        if self.bytes > 0 {
            write!(formatter, "+{}", self.bytes)?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(place) => place.fmt(formatter),
            Self::Raw(address) => write!(formatter, "{address:#x}"),
        }
    }
}

impl fmt::Display for ProcessAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.process, self.place)
    }
}

impl fmt::Display for ProcessRegion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.process, self.region)
    }
}
