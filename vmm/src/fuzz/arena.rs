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
    /// The bytes that a read finds at the start; None for bytes that nobody keeps count of.
    pub(super) byte: Option<u64>,
    /// The same at the end.
    pub(super) last: Option<u64>,
    /// A child does not have it.
    pub(super) is_left_out: bool,
    /// A child finds zeros.
    pub(super) is_wiped: bool,
}

impl Page {
    /// A new one, to read and write.
    pub(super) fn new(backing: Backing) -> Self {
        let byte = (backing != Backing::File).then_some(0);
        Self {
            backing,
            access: Access::Write,
            present: false,
            byte,
            last: byte,
            is_left_out: false,
            is_wiped: false,
        }
    }

    /// The same as a child of fork has it.
    pub(super) fn at_fork(self) -> Option<Self> {
        let mut childs = self;
        if self.is_wiped {
            childs.discard();
        }
        if self.backing == Backing::Shared {
            (childs.byte, childs.last) = (None, None);
        }
        (!self.is_left_out).then_some(childs)
    }

    /// The byte has been stored to a part of it, which is there now.
    pub(super) fn store(&mut self, part: Part, byte: u64) {
        let kept = (self.backing == Backing::Private).then_some(byte);
        self.present = true;
        match part {
            Part::First => self.byte = kept,
            Part::Last => self.last = kept,
        }
    }

    /// Its contents are not needed any more.
    pub(super) fn discard(&mut self) {
        self.present = false;
        if self.backing == Backing::Private {
            (self.byte, self.last) = (Some(0), Some(0));
        }
    }
}

/// The bytes of a page that count is kept of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    First,
    Last,
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
