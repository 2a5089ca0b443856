//! `/proc/modules`: one line for each module, as Linux writes it.

use core::fmt::{self, Write};

use super::table::with_modules;
use crate::fs::Text;

/// Name, bytes, references, modules that use it (none can), state, address. As on Linux, only the superuser learns the
/// address.
pub(crate) fn text(reader: Reader) -> Result<Text, fmt::Error> {
    let mut text = Text::default();
    with_modules(|modules| {
        modules.iter().try_for_each(|module| {
            let address = match reader {
                Reader::Superuser => module.memory.start().as_u64(),
                Reader::Other => 0,
            };
            writeln!(
                text,
                "{} {} {} - {} {address:#018x}",
                module.name,
                module.memory.bytes(),
                module.references,
                module.state
            )
        })
    })?;
    Ok(text)
}

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Superuser,
    Other,
}
