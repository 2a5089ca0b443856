//! What steps and expectations consist of, in words.

use std::fmt;

use super::super::content::{Content, ContentAt, Fill, KernelCopy};
use super::super::diff::PageChange;
use super::super::expectation::{Access, Layout, Since, SpteFlag};
use super::super::memory::{Number, Protection, Sharing};
use super::super::operation::PageState;
use super::super::outcome::{Ending, Errno, Refusal, Signal};
use super::super::step::DiskRequest;

impl<A: fmt::Display> fmt::Display for KernelCopy<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ContentAt { at, content } = &self.what;
        write!(formatter, "{content} at {at}")?;
        match self.count {
            None => Ok(()),
            Some(1) => formatter.write_str(", 1 byte of it"),
            Some(count) => write!(formatter, ", {count} bytes of it"),
        }
    }
}

impl fmt::Display for PageChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            PageChange::Mapped => "mapped",
            PageChange::Unmapped => "not mapped any more",
            PageChange::Frame => "another frame",
            PageChange::Rights => "other rights",
            PageChange::Contents => "other contents",
        })
    }
}

/// A length in pages, or in bytes.
pub(super) struct Length(pub(super) Option<u64>, pub(super) Option<Number>);

impl fmt::Display for Length {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(Some(pages), _) => Pages(*pages).fmt(formatter),
            Self(None, Some(Number(1))) => formatter.write_str("1 byte"),
            Self(None, bytes) => write!(formatter, "{} bytes", Raw(bytes.unwrap_or_default().0)),
        }
    }
}

/// A number that is too long to be read when it is large.
pub(super) struct Raw(pub(super) u64);

impl fmt::Display for Raw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            number @ 0..=0xff_ffff => number.fmt(formatter),
            number => write!(formatter, "{number:#x}"),
        }
    }
}

/// A count with its noun.
pub(super) struct Pages(pub(super) u64);

impl fmt::Display for Pages {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => formatter.write_str("1 page"),
            count => write!(formatter, "{count} pages"),
        }
    }
}

/// `a, b and c`.
pub(super) struct List<'a, T>(pub(super) &'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            let separator = match index {
                0 => "",
                _ if index + 1 == self.0.len() => " and ",
                _ => ", ",
            };
            write!(formatter, "{separator}{item}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(formatter, "{text:?}"),
            Self::Fill(Fill { byte, bytes }) => write!(formatter, "{bytes} times byte {byte:#04x}"),
            Self::Zeros(bytes) => write!(formatter, "{bytes} zero bytes"),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(formatter, "exit status {status}"),
            Self::Signal(signal) => write!(formatter, "ended by {signal}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::With(errno) => write!(formatter, "refused with {errno}"),
            Refusal::Any => formatter.write_str("refused"),
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

macro_rules! words {
    ($($type:ident { $($variant:ident = $word:literal),* $(,)? })*) => {
        $(impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(match self { $(Self::$variant => $word),* })
            }
        })*
    };
}
words! {
    Protection { None = "no-access", R = "r", W = "w", Rw = "rw", Rx = "rx", Rwx = "rwx" }
    Sharing { Private = "private", Shared = "shared" }
    PageState {
        Present = "present",
        Swapped = "swapped",
        None = "none",
        LeftOut = "left out",
        Inaccessible = "inaccessible"
    }
    Layout { Row = "in a row", Scattered = "scattered" }
    SpteFlag { Allocated = "allocated", Anonymous = "anonymous", Mapped = "mapped" }
    Since { Start = "the start", LastCheck = "the last check" }
    DiskRequest { Read = "read", Write = "write" }
    Access { Read = "a read", Write = "a write", Execute = "an instruction fetch" }
}
