//! Reports that are not sent, to prove that silence earns nothing.
//!
//! A kernel that is built with the feature `mutants` withholds the events that `withhold=NAME,NAME` on its command line names. Every
//! other kernel sends all, and [`is`] is constant.

#[cfg(feature = "mutants")]
mod selected {
    use core::sync::atomic::{AtomicU32, Ordering};

    use abi::event::event_name;

    /// A bit for each kind of event.
    static WITHHELD: AtomicU32 = AtomicU32::new(0);

    /// Whether events of this kind are not sent.
    pub(crate) fn is(kind: u32) -> bool {
        WITHHELD.load(Ordering::Relaxed) & bit(kind) != 0
    }

    /// Withholds what the command line names. A name that no event has is an error of whoever wrote it.
    pub(crate) fn select(names: Option<&[u8]>) {
        let names = names
            .into_iter()
            .flat_map(|names| names.split(|byte| *byte == b','));
        let bits = names.fold(0, |bits, name| {
            let kind =
                (0..u32::BITS).find(|kind| event_name(*kind).is_some_and(|known| known.as_bytes() == name));
            bits | kind.map_or_else(
                || panic!("there is no event {:?}", core::str::from_utf8(name)),
                bit,
            )
        });
        WITHHELD.store(bits, Ordering::Relaxed);
    }

    fn bit(kind: u32) -> u32 {
        1_u32.checked_shl(kind).unwrap_or(0)
    }
}

#[cfg(not(feature = "mutants"))]
mod selected {
    /// Whether events of this kind are not sent: all are.
    pub(crate) const fn is(_: u32) -> bool {
        false
    }

    /// An honest kernel does not pretend to withhold anything.
    pub(crate) fn select(names: Option<&[u8]>) {
        assert!(
            names.is_none(),
            "withhold= needs a kernel that is built with the feature `mutants`"
        );
    }
}

pub(crate) use selected::{is, select};
