//! Text of others on a terminal.

use core::fmt::{self, Write};

/// Text as it is, with `?` for whatever a terminal could take for an order.
pub(crate) fn printable(text: &[u8]) -> impl fmt::Display + '_ {
    fmt::from_fn(move |f| {
        text.iter().try_for_each(|&byte| {
            let is_plain = byte.is_ascii_graphic() || byte == b' ';
            f.write_char(if is_plain { byte.into() } else { '?' })
        })
    })
}
