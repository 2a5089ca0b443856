//! `/proc/modules`: one line for each module, as Linux writes it.

use core::fmt::{self, Write};

use super::table::with_modules;
use crate::fs::Text;
use crate::process::with_current;

/// Name, bytes, references, modules that use it (none can), state, address. As on Linux, only the superuser learns the
/// address.
pub(crate) fn text() -> Result<Text, fmt::Error> {
    let shows_addresses = with_current(|process| process.is_superuser());
    let mut text = Text::default();
    with_modules(|modules| {
        modules.iter().try_for_each(|module| {
            let address = if shows_addresses {
                module.memory.start().as_u64()
            } else {
                0
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
