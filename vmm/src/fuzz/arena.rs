//! The pages of the target in which mappings come and go, as far as a script must know them.

/// How many.
pub(super) const ARENA: u64 = 24;

/// What is at each of them.
pub(super) type Arena = [Option<Page>; ARENA as usize];

/// What is at a page of the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) backing: Backing,
    pub(super) access: Access,
    /// A frame is there for the target.
    pub(super) present: bool,
    /// The bytes that a read finds; None for bytes that nobody keeps count of.
    pub(super) byte: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backing {
    Private,
    Shared,
    File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    None,
    Read,
    Write,
}

impl Access {
    pub(super) const ALL: [Self; 3] = [Self::None, Self::Read, Self::Write];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "r",
            Self::Write => "rw",
        }
    }
}

/// A page of the arena that is as wanted: one of them, whichever number is given.
pub(super) fn choose(
    arena: &mut Arena,
    choice: u64,
    is_wanted: impl Fn(&Page) -> bool,
) -> Option<(u64, &mut Page)> {
    let pages = (0..).zip(arena);
    let wanted = pages
        .filter_map(|(number, page)| Some((number, page.as_mut()?)))
        .filter(|(_, page)| is_wanted(page));
    one_of(wanted, choice)
}

/// One of those that there are, whichever number is given.
pub(super) fn one_of<T>(those: impl Iterator<Item = T>, choice: u64) -> Option<T> {
    let mut those: Vec<T> = those.collect();
    let index = (choice as usize).checked_rem(those.len())?;
    Some(those.swap_remove(index))
}
