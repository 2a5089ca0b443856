//! What mmap, mprotect and madvise can be told: by Linux's names, and by numbers as they are.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use abi::linux::mman::{self, advice_name, map_flag_name};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// What a number as it is begins with, where a name could stand too.
pub(super) const HEXADECIMAL: &str = "0x";

/// The number that a text like `0x1f` stands for.
pub(super) fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix(HEXADECIMAL)?;
    // `from_str_radix` would take a sign too.
    let are_digits = digits
        .bytes()
        .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    are_digits.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// A number of 64 bits: as JSON has it, or in hexadecimal, as a text: `"0xfffffffffffff000"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Number(pub u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Number;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number from 0 on, or one in hexadecimal like \"0x1000\"")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                hexadecimal(text)
                    .map(Number)
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for Number {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of 64 bits: as JSON has it, or in hexadecimal, as a text: `\"0xfffffffffffff000\"`.",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^0x[0-9a-f]{1,16}$" }
            ]
        })
    }
}

/// What the address of a new mapping is to the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// An order: the mapping is exactly there, over what is there (MAP_FIXED).
    #[default]
    Fixed,
    /// An order, unless something is there (MAP_FIXED_NOREPLACE).
    FixedNoreplace,
    /// A wish (neither flag): the mapping is there, and elsewhere if something is there.
    Hint,
}

impl Placement {
    /// The bit in mmap's `flags` argument.
    #[must_use]
    pub fn bits(self) -> u64 {
        match self {
            Self::Fixed => mman::MAP_FIXED,
            Self::FixedNoreplace => mman::MAP_FIXED_NOREPLACE,
            Self::Hint => 0,
        }
    }
}

/// What a process may do with pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    /// Nothing.
    None,
    /// Read.
    R,
    /// Write; on x86-64 that means read too.
    W,
    /// Read and write.
    Rw,
    /// Read and execute.
    Rx,
    /// Everything.
    Rwx,
}

impl Protection {
    /// The `prot` argument of mmap and mprotect.
    #[must_use]
    pub fn bits(self) -> u64 {
        match self {
            Self::None => mman::PROT_NONE,
            Self::R => mman::PROT_READ,
            Self::W => mman::PROT_WRITE,
            Self::Rw => mman::PROT_READ | mman::PROT_WRITE,
            Self::Rx => mman::PROT_READ | mman::PROT_EXEC,
            Self::Rwx => mman::PROT_READ | mman::PROT_WRITE | mman::PROT_EXEC,
        }
    }
}

/// Whether stores to a mapping stay the process's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// A forked process sees none of the other's later stores (MAP_PRIVATE).
    #[default]
    Private,
    /// All who inherit the mapping see each other's stores (MAP_SHARED).
    Shared,
}

impl Sharing {
    /// The mapping type in mmap's `flags` argument.
    #[must_use]
    pub fn bits(self) -> u64 {
        match self {
            Self::Private => mman::MAP_PRIVATE,
            Self::Shared => mman::MAP_SHARED,
        }
    }
}

/// Declares a type for numbers that are named, or stand as they are.
macro_rules! named_or_raw {
    ($(#[doc = $doc:literal])* $type:ident: $name_of:ident, $prefix:literal, $numbers:expr) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $type {
            number: u64,
            is_raw: bool,
        }

        impl $type {
            /// Linux's number for it.
            #[must_use]
            pub fn number(self) -> u64 {
                self.number
            }

            /// Whether it was given by its number.
            #[must_use]
            pub fn is_raw(self) -> bool {
                self.is_raw
            }

            /// Every name, in the order of the numbers.
            fn names() -> &'static [&'static str] {
                static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
                    let names = $numbers.filter_map($type::name_of);
                    names.map(|name| &*String::leak(name)).collect()
                });
                &NAMES
            }

            fn name_of(number: u64) -> Option<String> {
                let name = $name_of(number)?.strip_prefix($prefix);
                Some(name.expect("names have their prefix").to_lowercase())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                if let Some(number) = hexadecimal(&text) {
                    return Ok(Self { number, is_raw: true });
                }
                let mut numbers = $numbers;
                let number = numbers.find(|number| Self::name_of(*number).as_ref() == Some(&text));
                let number = number.ok_or_else(|| D::Error::unknown_variant(&text, Self::names()))?;
                Ok(Self { number, is_raw: false })
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let description = concat!($($doc),*).trim();
                json_schema!({ "description": description, "anyOf": [
                    { "type": "string", "enum": Self::names() },
                    { "type": "string", "pattern": "^0x[0-9a-f]{1,16}$" }
                ] })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                match Self::name_of(self.number).filter(|_| !self.is_raw) {
                    Some(name) => formatter.write_str(&name),
                    None => write!(formatter, "{:#x}", self.number),
                }
            }
        }
    };
}

named_or_raw! {
    /// A flag of mmap that has no key of its own, by its Linux name without `MAP_`, in small letters, or by its number: `0x4`. What a
    /// number means is not known, so such a call has an `errno`.
    MapFlag: map_flag_name, "MAP_", (0..u64::BITS).map(|bit| 1 << bit)
}

named_or_raw! {
    /// An advice to madvise by its Linux name without `MADV_`, in small letters, or by its number: `0x63`. What a number means is not
    /// known, so such a call has an `errno`.
    Advice: advice_name, "MADV_", 0..=u64::from(u8::MAX)
}
