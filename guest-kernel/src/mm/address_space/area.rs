//! One area: a range of pages that are alike.

use super::super::address::{PageRange, PhysAddr, VirtAddr};
use super::super::page_cache::CachedFile;
use super::super::shared_object::SharedObject;
use super::driver::DriverMapping;
use super::{Protection, Sharing, Watch, layout};
use crate::mutant::{self, Mutant};

/// Where the contents of a page come from that is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Backing {
    /// Zeros; stores are the process's own.
    Anonymous,
    /// A file of the page cache. A page that holds its end is a copy, and there is none behind it.
    File {
        file: CachedFile,
        /// The page of the file that the area begins with.
        first_page: u32,
        /// Stores to a private area are the process's own; to a shared one there are none.
        sharing: Sharing,
    },
    /// Memory that belongs to no process. There is none behind its end.
    Object {
        /// Whose frames they are.
        object: SharedObject,
        /// Index of the first page in the object.
        first: u64,
        /// Stores to a private area are the process's own.
        sharing: Sharing,
    },
    /// Registers of a device.
    Device {
        /// Physical address behind the first page.
        first: PhysAddr,
    },
    /// Frames that the kernel lends, all mapped from the start (`remap`). Programs never store to them, and no child inherits
    /// them.
    Lent,
    /// What a driver shows of its own.
    Driver {
        mapping: DriverMapping,
        /// The page of the file that the area begins with.
        first_page: u32,
    },
}

impl Backing {
    /// Stores are the process's own, so a frame with several owners is copied first.
    pub(super) fn is_private(&self) -> bool {
        match self {
            Self::Anonymous => true,
            Self::File { sharing, .. } | Self::Object { sharing, .. } => *sharing == Sharing::Private,
            Self::Device { .. } | Self::Lent => false,
            Self::Driver { mapping, .. } => mapping.is_private(),
        }
    }

    /// All of its frames were there from the start, whoever's they are, and none can come later: `VM_PFNMAP`.
    pub(super) fn is_fixed(&self) -> bool {
        match self {
            Self::Device { .. } | Self::Lent => true,
            Self::Driver { mapping, .. } => mapping.is_fixed(),
            Self::Anonymous | Self::File { .. } | Self::Object { .. } => false,
        }
    }

    /// Whether an area may ever be written to.
    pub(super) fn may_be_written(&self) -> bool {
        match self {
            Self::Lent => false,
            Self::Driver { mapping, .. } => mapping.may_be_written(),
            Self::File { sharing, .. } => *sharing == Sharing::Private,
            Self::Anonymous | Self::Object { .. } | Self::Device { .. } => true,
        }
    }

    /// A child of fork has the area too.
    pub(super) fn is_inherited(&self) -> bool {
        *self != Self::Lent
    }

    /// A child of fork has the pages that are there, too.
    pub(super) fn passes_pages_on(&self) -> bool {
        match self {
            Self::Lent => false,
            Self::Driver { mapping, .. } => mapping.is_private() || mapping.is_fixed(),
            Self::Anonymous | Self::File { .. } | Self::Object { .. } | Self::Device { .. } => true,
        }
    }

    /// The same for an area that starts `bytes` further on.
    fn advanced(&self, bytes: u64) -> Self {
        match self {
            Self::Anonymous => Self::Anonymous,
            Self::Lent => Self::Lent,
            &Self::File {
                file,
                first_page,
                sharing,
            } => Self::File {
                file,
                first_page: first_page + (bytes / abi::PAGE_SIZE) as u32,
                sharing,
            },
            Self::Object {
                object,
                first,
                sharing,
            } => Self::Object {
                object: object.clone(),
                first: first + bytes / abi::PAGE_SIZE,
                sharing: *sharing,
            },
            Self::Device { first } => Self::Device {
                first: first.plus(bytes),
            },
            Self::Driver { mapping, first_page } => Self::Driver {
                mapping: mapping.clone(),
                first_page: first_page + (bytes / abi::PAGE_SIZE) as u32,
            },
        }
    }
}

/// Whether an area grows by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    Fixed,
    /// An access below it makes it larger: a stack.
    Down,
}

/// What a program has asked for besides: bits, because there are many areas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AreaFlags(u8);

impl AreaFlags {
    /// A child of fork does not have the area (`MADV_DONTFORK`).
    pub(crate) const NOT_INHERITED: Self = Self(1);
    /// A child of fork finds zeros in the area (`MADV_WIPEONFORK`).
    pub(crate) const WIPED: Self = Self(2);
    /// Nobody asks whether there is room for all of the area (`MAP_NORESERVE`).
    pub(crate) const UNRESERVED: Self = Self(4);
    /// Its pages stay in memory (`mlock`).
    pub(crate) const LOCKED: Self = Self(8);
    /// Of a locked area: pages come with their first access, not before (`MLOCK_ONFAULT`).
    pub(crate) const LOCKED_ON_FAULT: Self = Self(16);
    /// All that is said of locks.
    pub(crate) const LOCKINGS: Self = Self::LOCKED.with(Self::LOCKED_ON_FAULT);
    /// A core dump leaves the area out (`MADV_DONTDUMP`).
    pub(crate) const NOT_DUMPED: Self = Self(32);
    /// Accesses are in no order (`MADV_RANDOM`).
    pub(crate) const RANDOM: Self = Self(64);
    /// Accesses are in order (`MADV_SEQUENTIAL`).
    pub(crate) const SEQUENTIAL: Self = Self(128);

    pub(crate) const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub(crate) const fn with(self, flag: Self) -> Self {
        Self(self.0 | flag.0)
    }

    pub(crate) const fn without(self, flag: Self) -> Self {
        Self(self.0 & !flag.0)
    }
}

/// An area of an address space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vma {
    pub(crate) range: PageRange,
    pub(crate) protection: Protection,
    pub(crate) growth: Growth,
    pub(crate) flags: AreaFlags,
    pub(crate) backing: Backing,
    /// Who serves its faults, if the kernel does not.
    pub(crate) watch: Option<Watch>,
}

/// What an area is to whoever looks at the process from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AreaRole<'a> {
    Memory,
    Heap,
    Stack,
    Device {
        /// Physical address behind the first page.
        first: PhysAddr,
    },
    File {
        file: CachedFile,
        /// Where in the file the area begins.
        offset_bytes: u64,
    },
    Driver {
        /// Both parts of the path of its file.
        path: [&'a [u8]; 2],
        /// Where in the file the area begins.
        offset_bytes: u64,
    },
}

/// An area as `/proc/PID/maps` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AreaView<'a> {
    pub(crate) start: VirtAddr,
    pub(crate) end: VirtAddr,
    pub(crate) protection: Protection,
    pub(crate) is_shared: bool,
    pub(crate) role: AreaRole<'a>,
}

impl Vma {
    /// Cuts off and gives back what starts at `at`, which lies inside.
    pub(super) fn split_off(&mut self, at: VirtAddr) -> Self {
        let upper = Self {
            range: PageRange::new(at, self.range.end()),
            ..self.part_from(at)
        };
        self.range = PageRange::new(self.range.start(), at);
        upper
    }

    /// The same, with what is behind it from an address on that lies inside or at its end.
    pub(super) fn part_from(&self, at: VirtAddr) -> Self {
        let bytes = at.as_u64() - self.range.start().as_u64();
        Self {
            backing: self.backing.advanced(bytes),
            ..*self
        }
    }

    /// Whether `above` begins where this ends and is the same in all else. A driver counts its areas, so they stay as they are.
    pub(super) fn continues_in(&self, above: &Self) -> bool {
        self.range.end() == above.range.start()
            && self.protection == above.protection
            && self.growth == above.growth
            && self.flags == above.flags
            && self.watch == above.watch
            && !matches!(self.backing, Backing::Driver { .. })
            && self.backing.advanced(self.range.bytes()) == above.backing
    }

    /// A child of fork has it.
    pub(super) fn is_inherited(&self) -> bool {
        self.backing.is_inherited()
            && (!self.flags.has(AreaFlags::NOT_INHERITED) || mutant::is(Mutant::DontforkIgnored))
    }

    /// A child of fork has the pages that are there, too.
    pub(super) fn passes_pages_on(&self) -> bool {
        let is_wiped = self.flags.has(AreaFlags::WIPED) && !mutant::is(Mutant::WipeonforkIgnored);
        self.is_inherited() && self.backing.passes_pages_on() && !is_wiped
    }

    /// Memory that a program asked for: a deliberate fault here leaves the program itself able to run.
    pub(super) fn is_plain_memory(&self) -> bool {
        self.backing == Backing::Anonymous && self.growth == Growth::Fixed
    }

    /// Start of what nothing else may be placed in: a stack keeps a distance.
    pub(super) fn start_with_gap(&self) -> VirtAddr {
        match self.growth {
            Growth::Fixed => self.range.start(),
            Growth::Down => VirtAddr::new(
                self.range
                    .start()
                    .as_u64()
                    .saturating_sub(layout::STACK_GUARD_BYTES),
            ),
        }
    }
}
