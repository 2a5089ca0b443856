//! Bytes in memory, as a scenario writes or expects them.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;

/// Bytes in memory: a text, one byte many times, or zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The UTF-8 bytes of a text, without an end mark.
    Text(String),
    /// One byte many times.
    Fill(Fill),
    /// This many zero bytes.
    Zeros(u64),
}

/// One byte many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fill {
    /// The byte, 0 to 255.
    pub byte: u8,
    /// How many of them.
    #[schemars(range(min = 1))]
    pub bytes: u64,
}

impl Content {
    /// Length in bytes.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Fill(fill) => fill.bytes,
            Self::Zeros(bytes) => *bytes,
        }
    }

    /// The byte that all of it consists of, unless it is a text.
    #[must_use]
    pub fn repeated_byte(&self) -> Option<u8> {
        match self {
            Self::Text(_) => None,
            Self::Fill(fill) => Some(fill.byte),
            Self::Zeros(_) => Some(0),
        }
    }

    /// The bytes themselves. Validation has bounded their number by the region that holds them.
    #[must_use]
    pub fn to_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Text(text) => Cow::Borrowed(text.as_bytes()),
            Self::Fill(Fill { byte, bytes }) => Cow::Owned(vec![*byte; usize_of(*bytes)]),
            Self::Zeros(bytes) => Cow::Owned(vec![0; usize_of(*bytes)]),
        }
    }
}

fn usize_of(bytes: u64) -> usize {
    usize::try_from(bytes).expect("a content fits in its region, so in the host's address space")
}

/// Bytes and where they are; `A` is the kind of address that the place in the document takes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ContentFields<A>", bound = "A: Deserialize<'de>")]
pub struct ContentAt<A> {
    /// Where the first byte is.
    pub at: A,
    /// The bytes.
    pub content: Content,
}

/// How [`ContentAt`] is spelled: the content's one key stands beside `at`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["text"] }, { "required": ["fill"] }, { "required": ["zeros"] }]))]
struct ContentFields<A> {
    /// Where the first byte is.
    at: A,
    /// The UTF-8 bytes of this text, without an end mark.
    #[serde(default)]
    #[schemars(with = "String", length(min = 1))]
    text: Option<String>,
    /// One byte many times.
    #[serde(default)]
    #[schemars(with = "Fill")]
    fill: Option<Fill>,
    /// This many zero bytes.
    #[serde(default)]
    #[schemars(with = "u64", range(min = 1))]
    zeros: Option<u64>,
}

impl<A: JsonSchema> JsonSchema for ContentAt<A> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        ContentFields::<A>::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ContentFields::<A>::json_schema(generator)
    }
}

/// Bytes that the kernel stores or loads for a process, and how many of them it reaches.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "KernelCopyFields<A>", bound = "A: Deserialize<'de>")]
pub struct KernelCopy<A> {
    /// The bytes that are asked for.
    pub what: ContentAt<A>,
    /// How many of them are moved; None: all.
    pub count: Option<u64>,
}

/// How [`KernelCopy`] is spelled.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["text"] }, { "required": ["fill"] }, { "required": ["zeros"] }]))]
struct KernelCopyFields<A> {
    /// Where the first byte is.
    at: A,
    /// The UTF-8 bytes of this text, without an end mark.
    #[serde(default)]
    #[schemars(with = "String", length(min = 1))]
    text: Option<String>,
    /// One byte many times.
    #[serde(default)]
    #[schemars(with = "Fill")]
    fill: Option<Fill>,
    /// This many zero bytes.
    #[serde(default)]
    #[schemars(with = "u64", range(min = 1))]
    zeros: Option<u64>,
    /// How many bytes the call moves and returns, where the rest is out of its reach; without it all of them.
    #[serde(default)]
    #[schemars(with = "u64", range(min = 1))]
    count: Option<u64>,
}

impl<A: JsonSchema> JsonSchema for KernelCopy<A> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        KernelCopyFields::<A>::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        KernelCopyFields::<A>::json_schema(generator)
    }
}

impl<A> KernelCopy<A> {
    /// How many bytes are moved.
    #[must_use]
    pub fn moved_bytes(&self) -> u64 {
        self.count.unwrap_or_else(|| self.what.content.len_bytes())
    }
}

impl<A> TryFrom<KernelCopyFields<A>> for KernelCopy<A> {
    type Error = ContentError;

    fn try_from(fields: KernelCopyFields<A>) -> Result<Self, ContentError> {
        let KernelCopyFields {
            at,
            text,
            fill,
            zeros,
            count,
        } = fields;
        let what = ContentAt::try_from(ContentFields {
            at,
            text,
            fill,
            zeros,
        })?;
        Ok(Self { what, count })
    }
}

/// Not exactly one way to say which bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected exactly one of `text`, `fill` and `zeros`, found {found}")]
pub struct ContentError {
    /// How many of them there are.
    pub found: usize,
}

impl<A> TryFrom<ContentFields<A>> for ContentAt<A> {
    type Error = ContentError;

    fn try_from(fields: ContentFields<A>) -> Result<Self, ContentError> {
        let ContentFields {
            at,
            text,
            fill,
            zeros,
        } = fields;
        let mut given = [
            text.map(Content::Text),
            fill.map(Content::Fill),
            zeros.map(Content::Zeros),
        ]
        .into_iter()
        .flatten();
        match (given.next(), given.count()) {
            (Some(content), 0) => Ok(Self { at, content }),
            (None, _) => Err(ContentError { found: 0 }),
            (Some(_), more) => Err(ContentError { found: 1 + more }),
        }
    }
}
